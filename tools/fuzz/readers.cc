#include "readers.h"

#include "ge/ge_api.h"
#include "mutate_graph.h"
#include "parser/onnx_parser.h"
#include "run_graph.h"

namespace belay::fuzz {
namespace {

// Exactly the bytes, so that a sanitizer sees one read behind them.
template <typename Use>
bool WithCopy(const std::string& bytes, Use use) {
  char* copy = new char[bytes.size()];
  bytes.copy(copy, bytes.size());
  const bool ok = use(copy, bytes.size());
  delete[] copy;
  (void)ge::GEGetErrorMsgV2();  // else reports pile up
  return ok;
}

bool ReadOnnx(const std::string& bytes) {
  return WithCopy(bytes, [](const char* data, size_t size) {
    ge::Graph graph("g");
    return ge::aclgrphParseONNXFromMem(data, size, {}, graph) == ge::GRAPH_SUCCESS;
  });
}

// Reads a graph and writes it again.
bool ReadGe(const std::string& bytes) {
  return WithCopy(bytes, [](const char* data, size_t size) {
    ge::Graph graph("g");
    if (graph.LoadFromMem(reinterpret_cast<const uint8_t*>(data), size) != ge::GRAPH_SUCCESS) return false;
    ge::GraphBuffer again;
    return graph.SaveToMem(again) == ge::GRAPH_SUCCESS;
  });
}

std::string Same(const std::string& model) { return model; }

std::string AsGe(const std::string& model) {
  ge::Graph graph("g");
  ge::GraphBuffer buffer;
  if (ge::aclgrphParseONNXFromMem(model.data(), model.size(), {}, graph) != ge::GRAPH_SUCCESS) return "";
  if (graph.SaveToMem(buffer) != ge::GRAPH_SUCCESS) return "";
  return std::string(reinterpret_cast<const char*>(buffer.GetData()), buffer.GetSize());
}

constexpr Reader kReaders[] = {{"onnx", ReadOnnx, Same, Mutate, "read as graphs"},
                               {"ge", ReadGe, AsGe, Mutate, "read as graphs"},
                               {"run", RunOnnx, Same, MutateGraph, "compiled and run", true}};

}  // namespace

const Reader* FindReader(const std::string& name) {
  for (const Reader& reader : kReaders) {
    if (name == reader.name) return &reader;
  }
  return nullptr;
}

}  // namespace belay::fuzz
