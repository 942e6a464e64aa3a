// aclgrphDumpGraph: a graph as the text form of its ge.proto message.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <fstream>
#include <protozero/pbf_reader.hpp>

#include "api/ge_compiler/report.h"
#include "ge/ge_ir_build.h"
#include "graph/graph_buffer.h"
#include "graph/proto_text.h"

using belay::InvalidArgument;

namespace ge {
namespace {

enum class Kind : uint8_t { kText, kInt, kBool, kFloat, kMessage };

struct Message;
struct Field {
  uint32_t number;
  const char* name;
  Kind kind;
  const Message* message = nullptr;
};
struct Message {
  std::vector<Field> fields;
};

const Message& ModelMessage() {
  static const Message shape{{{1, "dim", Kind::kInt}}};
  static const Message ints{{{1, "list_i", Kind::kInt}}};
  static const Message lists{{{1, "list_list_i", Kind::kMessage, &ints}}};
  static Message attr, graph;  // hold each other
  static const Message entry{{{1, "key", Kind::kText}, {2, "value", Kind::kMessage, &attr}}};
  static const Message desc{{{1, "name", Kind::kText}, {2, "dtype", Kind::kInt}, {3, "shape", Kind::kMessage, &shape},
                             {4, "layout", Kind::kText}, {5, "attr", Kind::kMessage, &entry},
                             {14, "device_type", Kind::kText}}};
  static const Message tensor{{{1, "desc", Kind::kMessage, &desc}, {2, "data", Kind::kText}}};
  static const Message list{{{2, "s", Kind::kText}, {3, "i", Kind::kInt}, {4, "f", Kind::kFloat},
                             {5, "b", Kind::kBool}, {7, "bt", Kind::kText}, {8, "td", Kind::kMessage, &desc},
                             {9, "t", Kind::kMessage, &tensor}, {10, "g", Kind::kMessage, &graph},
                             {12, "dt", Kind::kInt}, {20, "val_type", Kind::kInt}}};
  static const Message op{{{1, "name", Kind::kText}, {2, "type", Kind::kText}, {5, "input", Kind::kText},
                           {10, "attr", Kind::kMessage, &entry}, {33, "input_desc", Kind::kMessage, &desc},
                           {34, "output_desc", Kind::kMessage, &desc}, {35, "subgraph_name", Kind::kText}}};
  static const Message model = [] {
    attr.fields = {{1, "list", Kind::kMessage, &list}, {2, "s", Kind::kText}, {3, "i", Kind::kInt},
                   {4, "f", Kind::kFloat}, {5, "b", Kind::kBool}, {7, "bt", Kind::kText},
                   {11, "td", Kind::kMessage, &desc}, {12, "t", Kind::kMessage, &tensor},
                   {13, "g", Kind::kMessage, &graph}, {14, "list_list_int", Kind::kMessage, &lists},
                   {15, "dt", Kind::kInt}};
    graph.fields = {{1, "name", Kind::kText}, {4, "input", Kind::kText}, {5, "output", Kind::kText},
                    {6, "op", Kind::kMessage, &op}, {11, "attr", Kind::kMessage, &entry}};
    return Message{{{1, "name", Kind::kText}, {2, "version", Kind::kInt}, {3, "custom_version", Kind::kText},
                    {7, "graph", Kind::kMessage, &graph}, {11, "attr", Kind::kMessage, &entry}}};
  }();
  return model;
}

std::string Quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') text += '\\';
    text += std::isprint(byte) ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return text + '"';
}

// Files may hold anything where this library only keeps bytes.
bool Fits(Kind kind, protozero::pbf_wire_type wire) {
  if (wire == protozero::pbf_wire_type::length_delimited) return true;
  switch (kind) {
    case Kind::kInt:
    case Kind::kBool: return wire == protozero::pbf_wire_type::varint;
    case Kind::kFloat: return wire == protozero::pbf_wire_type::fixed32;
    default: return false;
  }
}

constexpr int kMaxDepth = 100;  // messages in messages

// As protobuf prints what it does not know: by number.
void PrintUnknown(protozero::pbf_reader& r, belay::ProtoText* text) {
  const std::string number = std::to_string(r.tag());
  switch (r.wire_type()) {
    case protozero::pbf_wire_type::varint: return text->Word(number, std::to_string(r.get_uint64()));
    case protozero::pbf_wire_type::fixed32: return text->Word(number, fmt::format("{:#010x}", r.get_fixed32()));
    case protozero::pbf_wire_type::fixed64: return text->Word(number, fmt::format("{:#018x}", r.get_fixed64()));
    default: return text->Word(number, Quoted(r.get_string()));
  }
}

void Print(protozero::pbf_reader r, const Message& message, int depth, belay::ProtoText* text);

void PrintField(protozero::pbf_reader& r, const Field& field, int depth, belay::ProtoText* text) {
  const bool packed = r.wire_type() == protozero::pbf_wire_type::length_delimited;
  switch (field.kind) {
    case Kind::kText: return text->Word(field.name, Quoted(r.get_string()));
    case Kind::kInt:
      if (!packed) return text->Int(field.name, r.get_int64());
      for (const int64_t v : r.get_packed_int64()) text->Int(field.name, v);
      return;
    case Kind::kBool:
      if (!packed) return text->Bool(field.name, r.get_bool());
      for (const bool v : r.get_packed_bool()) text->Bool(field.name, v);
      return;
    case Kind::kFloat:
      if (!packed) return text->Word(field.name, fmt::format("{}", r.get_float()));
      for (const float v : r.get_packed_float()) text->Word(field.name, fmt::format("{}", v));
      return;
    case Kind::kMessage: {
      const auto open = text->Open(field.name);
      return Print(r.get_message(), *field.message, depth + 1, text);
    }
  }
}

void Print(protozero::pbf_reader r, const Message& message, int depth, belay::ProtoText* text) {
  while (r.next()) {
    const auto field = std::find_if(message.fields.begin(), message.fields.end(),
                                    [&](const Field& f) { return f.number == r.tag(); });
    const bool known = field != message.fields.end() && Fits(field->kind, r.wire_type());
    if (!known || (field->kind == Kind::kMessage && depth == kMaxDepth)) {
      PrintUnknown(r, text);
    } else {
      PrintField(r, *field, depth, text);
    }
  }
}

}  // namespace

graphStatus aclgrphDumpGraph(const Graph& graph, const char* file, const size_t len) {
  return belay::api::Reported("aclgrphDumpGraph", [&]() -> belay::Status {
    if (file == nullptr || len == 0 || len != std::strlen(file)) {
      return InvalidArgument("the file's name is null, empty, or not of {} characters", len);
    }
    GraphBuffer buffer;
    if (graph.SaveToMem(buffer) != GRAPH_SUCCESS) return belay::FailedPrecondition("the graph is empty");
    belay::ProtoText text;
    Print(protozero::pbf_reader(reinterpret_cast<const char*>(buffer.GetData()), buffer.GetSize()), ModelMessage(), 0,
          &text);
    std::ofstream out(file, std::ios::trunc);
    out << text.Take();
    out.close();
    if (!out.good()) return InvalidArgument("'{}' cannot be written", file);
    return belay::OkStatus();
  });
}

}  // namespace ge
