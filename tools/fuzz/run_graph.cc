#include "run_graph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "ge/ge_api.h"
#include "mutate.h"
#include "parser/onnx_parser.h"
#include "watch.h"

namespace belay::fuzz {
namespace {

constexpr int64_t kMostElements = 4096;  // of an input

ge::Session& TheSession() {
  static auto* const session = [] {
    const std::map<ge::AscendString, ge::AscendString> options = {{"ge.exec.deviceId", "0"}};
    if (ge::GEInitialize(options) != ge::SUCCESS) abort();
    return new ge::Session(std::map<ge::AscendString, ge::AscendString>{});
  }();
  return *session;
}

std::string TypeOf(const ge::GNode& node) {
  ge::AscendString type;
  return node.GetType(type) == ge::GRAPH_SUCCESS ? type.GetString() : "";
}

// Unknown extents are few; of an unknown rank, too.
std::optional<std::vector<int64_t>> ExtentsOf(const ge::TensorDesc& desc, Random* random) {
  std::vector<int64_t> dims = desc.GetShape().GetDims();
  if (dims.size() == 1 && dims[0] == -2) dims.assign(Below(4, random), -1);
  int64_t count = 1;
  for (int64_t& d : dims) {
    if (d < 0) d = static_cast<int64_t>(Below(5, random));
    if (d > kMostElements) return std::nullopt;
    count *= d;
    if (count > kMostElements) return std::nullopt;
  }
  return dims;
}

template <typename T>
void Fill(std::vector<uint8_t>* bytes, const std::function<T()>& next) {
  for (size_t at = 0; at + sizeof(T) <= bytes->size(); at += sizeof(T)) {
    const T value = next();
    std::memcpy(bytes->data() + at, &value, sizeof value);
  }
}

template <typename T>
T Float(Random* random) {
  static constexpr std::array<double, 8> kHard = {0, -0.0, 1e30, -1e30, 1e-40, INFINITY, -INFINITY, NAN};
  if (Below(12, random) == 0) return static_cast<T>(kHard[Below(kHard.size(), random)]);
  return static_cast<T>(Below(64, random)) / 8 - 4;
}

// Mostly a few small integers, as indices, axes and extents are.
uint64_t Integer(Random* random) { return Below(16, random) ? Below(4, random) : Number(random); }

std::vector<uint8_t> Contents(ge::DataType dtype, int64_t count, Random* random) {
  std::vector<uint8_t> bytes(static_cast<size_t>(std::max<int64_t>(0, ge::GetSizeInBytes(count, dtype))));
  switch (dtype) {
    case ge::DT_FLOAT: Fill<float>(&bytes, [&] { return Float<float>(random); }); break;
    case ge::DT_DOUBLE: Fill<double>(&bytes, [&] { return Float<double>(random); }); break;
    case ge::DT_BOOL: Fill<uint8_t>(&bytes, [&] { return static_cast<uint8_t>(Below(2, random)); }); break;
    case ge::DT_INT32: case ge::DT_UINT32:
      Fill<uint32_t>(&bytes, [&] { return static_cast<uint32_t>(Integer(random)); });
      break;
    case ge::DT_INT64: case ge::DT_UINT64: Fill<uint64_t>(&bytes, [&] { return Integer(random); }); break;
    default: Fill<uint8_t>(&bytes, [&] { return static_cast<uint8_t>((*random)()); });  // halves, bytes and narrower
  }
  return bytes;
}

// nullopt: too large, or of a type that this does not feed.
std::optional<ge::Tensor> InputFor(ge::TensorDesc desc, Random* random) {
  const std::optional<std::vector<int64_t>> dims = ExtentsOf(desc, random);
  const ge::DataType dtype = desc.GetDataType();
  if (!dims || dtype == ge::DT_RESOURCE || dtype == ge::DT_VARIANT || dtype == ge::DT_UNDEFINED) return std::nullopt;
  int64_t count = 1;
  for (int64_t d : *dims) count *= d;
  desc.SetShape(ge::Shape(*dims));
  if (dtype != ge::DT_STRING) return ge::Tensor(desc, Contents(dtype, count, random));
  ge::Tensor tensor(desc);
  static constexpr std::array<const char*, 6> kTexts = {"", "a", "1", "nan", "ab cd", "\xc3\xa9"};
  std::vector<ge::AscendString> texts;
  for (int64_t i = 0; i < count; ++i) texts.emplace_back(kTexts[Below(kTexts.size(), random)]);
  if (tensor.SetData(texts) != ge::GRAPH_SUCCESS) return std::nullopt;
  return tensor;
}

// By the Data nodes' index; nullopt where one cannot be fed.
std::optional<std::vector<ge::Tensor>> InputsOf(const ge::Graph& graph, Random* random) {
  std::map<int64_t, ge::Tensor> inputs;
  for (const ge::GNode& node : graph.GetDirectNode()) {
    if (TypeOf(node) != "Data") continue;
    int64_t index = 0;
    ge::TensorDesc desc;
    if (node.GetAttr("index", index) != ge::GRAPH_SUCCESS) return std::nullopt;
    if (node.GetOutputDesc(0, desc) != ge::GRAPH_SUCCESS) return std::nullopt;
    std::optional<ge::Tensor> input = InputFor(desc, random);
    if (!input) return std::nullopt;
    inputs[index] = *input;
  }
  std::vector<ge::Tensor> list;
  for (auto& [index, input] : inputs) list.push_back(input);
  return list;
}

bool HasLoop(const ge::Graph& graph) {
  for (const ge::GNode& node : graph.GetAllNodes()) {
    const std::string type = TypeOf(node);
    if (type == "While" || type == "StatelessWhile" || type == "For" || type == "OnnxSequenceMap") return true;
  }
  return false;
}

bool RunGraph(const ge::Graph& graph, Random* random) {
  ge::Session& session = TheSession();
  static uint32_t id = 0;
  if (session.AddGraph(++id, graph) != ge::SUCCESS) return false;
  const std::optional<std::vector<ge::Tensor>> inputs = InputsOf(graph, random);
  std::vector<ge::Tensor> outputs;
  const ge::Status status = inputs ? session.RunGraph(id, *inputs, outputs) : session.CompileGraph(id);
  (void)session.RemoveGraph(id);
  return status == ge::SUCCESS && inputs;
}

}  // namespace

bool RunOnnx(const std::string& bytes) {
  Random random(std::hash<std::string>()(bytes));
  ge::Graph graph("g");
  bool ok = ge::aclgrphParseONNXFromMem(bytes.data(), bytes.size(), {}, graph) == ge::GRAPH_SUCCESS;
  if (ok && HasLoop(graph)) MayNotEnd();
  ok = ok && RunGraph(graph, &random);
  (void)ge::GEGetErrorMsgV2();  // else reports pile up
  return ok;
}

}  // namespace belay::fuzz
