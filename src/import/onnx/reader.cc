#include "import/onnx/reader.h"

#include <cstring>
#include <protozero/pbf_reader.hpp>

namespace belay::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr int kMaxMessageDepth = 64;  // graphs in graphs, types in types
constexpr int64_t kMaxExtent = int64_t{1} << 48;
constexpr int64_t kMaxMessages =
    20000000;  // an empty message costs two bytes there and a struct here

struct Refusal {
  std::string what;
};

// A field's number and wire type in one switch label; a known number with another wire type is skipped, as
// protobuf does with fields it does not know.
constexpr uint32_t Varint(uint32_t field) { return field << 3 | 0; }
constexpr uint32_t Fixed64(uint32_t field) { return field << 3 | 1; }
constexpr uint32_t Bytes(uint32_t field) { return field << 3 | 2; }
constexpr uint32_t Fixed32(uint32_t field) { return field << 3 | 5; }
uint32_t Key(const pbf_reader& r) { return r.tag() << 3 | static_cast<uint32_t>(r.wire_type()); }

std::string_view View(pbf_reader& r) {
  protozero::data_view v = r.get_view();
  return {v.data(), v.size()};
}

template <typename T>
void AppendFixed(pbf_reader& r, std::vector<T>* out) {
  std::string_view bytes = View(r);
  if (bytes.size() % sizeof(T) != 0) {
    throw Refusal{fmt::format("packed field {} has {} bytes, no multiple of {}", r.tag(),
                              bytes.size(), sizeof(T))};
  }
  const size_t old = out->size();
  out->resize(old + bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(out->data() + old, bytes.data(), bytes.size());
}

template <typename T>
void AppendVarints(pbf_reader& r, std::vector<T>* out) {
  for (auto v : r.get_packed_uint64()) out->push_back(static_cast<T>(v));
}

class Reader {
 public:
  TensorProto ReadTensorProto(pbf_reader r);
  SparseTensorProto ReadSparse(pbf_reader r);
  TypeProto ReadType(pbf_reader r, int depth);
  ValueInfo ReadValueInfo(pbf_reader r);
  Attribute ReadAttribute(pbf_reader r, int depth);
  Node ReadNode(pbf_reader r, int depth);
  Graph ReadGraph(pbf_reader r, int depth);
  Function ReadFunction(pbf_reader r);
  Model ReadModelProto(pbf_reader r);
  SequenceProto ReadSequenceProto(pbf_reader r, int depth);

 private:
  void Count() {
    if (++messages_ > kMaxMessages)
      throw Refusal{fmt::format("more than {} messages", kMaxMessages)};
  }
  static void CheckDepth(int depth) {
    if (depth > kMaxMessageDepth) throw Refusal{fmt::format("nested deeper than {} levels", kMaxMessageDepth)};
  }
  static void ReadShape(pbf_reader r, TypeProto* type);
  static void ReadTensorType(pbf_reader r, TypeProto* type);
  static void ReadOpset(pbf_reader r, Opsets* opsets);
  int64_t messages_ = 0;
};

std::pair<std::string, std::string> ReadStringPair(pbf_reader r) {
  std::pair<std::string, std::string> entry;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): entry.first = r.get_string(); break;
      case Bytes(2): entry.second = r.get_string(); break;
      default: r.skip();
    }
  }
  return entry;
}

TensorProto Reader::ReadTensorProto(pbf_reader r) {
  Count();
  TensorProto t;
  while (r.next()) {
    switch (Key(r)) {
      case Varint(1): t.dims.push_back(r.get_int64()); break;
      case Bytes(1): AppendVarints(r, &t.dims); break;
      case Varint(2): t.data_type = r.get_int32(); break;
      case Bytes(3):
        t.is_segmented = true;
        r.skip();
        break;
      case Fixed32(4): t.float_data.push_back(r.get_float()); break;
      case Bytes(4): AppendFixed(r, &t.float_data); break;
      case Varint(5): t.int32_data.push_back(static_cast<int32_t>(r.get_int64())); break;
      case Bytes(5): AppendVarints(r, &t.int32_data); break;
      case Bytes(6): t.string_data.push_back(r.get_string()); break;
      case Varint(7): t.int64_data.push_back(r.get_int64()); break;
      case Bytes(7): AppendVarints(r, &t.int64_data); break;
      case Bytes(8): t.name = r.get_string(); break;
      case Bytes(9):
        t.raw_data = View(r);
        t.has_raw_data = true;
        break;
      case Fixed64(10): t.double_data.push_back(r.get_double()); break;
      case Bytes(10): AppendFixed(r, &t.double_data); break;
      case Varint(11): t.uint64_data.push_back(r.get_uint64()); break;
      case Bytes(11): AppendVarints(r, &t.uint64_data); break;
      case Bytes(13): t.external_data.push_back(ReadStringPair(r.get_message())); break;
      case Varint(14): t.is_external = r.get_int32() == 1; break;
      default: r.skip();
    }
  }
  return t;
}

SparseTensorProto Reader::ReadSparse(pbf_reader r) {
  Count();
  SparseTensorProto t;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): t.values = ReadTensorProto(r.get_message()); break;
      case Bytes(2): t.indices = ReadTensorProto(r.get_message()); break;
      case Varint(3): t.dims.push_back(r.get_int64()); break;
      case Bytes(3): AppendVarints(r, &t.dims); break;
      default: r.skip();
    }
  }
  return t;
}

void Reader::ReadShape(pbf_reader r, TypeProto* type) {
  type->has_shape = true;
  while (r.next()) {
    if (Key(r) != Bytes(1)) {
      r.skip();
      continue;
    }
    int64_t extent = -1;
    pbf_reader dim = r.get_message();
    while (dim.next()) {
      if (Key(dim) == Varint(1)) {
        extent = dim.get_int64();
      } else {
        dim.skip();
      }
    }
    if (extent > kMaxExtent) throw Refusal{fmt::format("an extent of {}", extent)};
    type->dims.push_back(extent < 0 ? -1 : extent);  // some exporters write -1 for "any"
  }
}

void Reader::ReadTensorType(pbf_reader r, TypeProto* type) {
  while (r.next()) {
    switch (Key(r)) {
      case Varint(1): type->elem_type = r.get_int32(); break;
      case Bytes(2): ReadShape(r.get_message(), type); break;
      default: r.skip();
    }
  }
}

TypeProto Reader::ReadType(pbf_reader r, int depth) {
  Count();
  CheckDepth(depth);
  TypeProto type;
  auto nested = [&](pbf_reader m, TypeProto::Kind kind) {
    type.kind = kind;
    while (m.next()) {
      if (Key(m) == Bytes(1)) {
        type.elem = std::make_shared<TypeProto>(ReadType(m.get_message(), depth + 1));
      } else {
        m.skip();
      }
    }
  };
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1):
        type.kind = TypeProto::Kind::kTensor;
        ReadTensorType(r.get_message(), &type);
        break;
      case Bytes(4): nested(r.get_message(), TypeProto::Kind::kSequence); break;
      case Bytes(5):
        type.kind = TypeProto::Kind::kMap;
        r.skip();
        break;
      case Bytes(7):
        type.kind = TypeProto::Kind::kOpaque;
        r.skip();
        break;
      case Bytes(8):
        type.kind = TypeProto::Kind::kSparse;
        ReadTensorType(r.get_message(), &type);
        break;
      case Bytes(9): nested(r.get_message(), TypeProto::Kind::kOptional); break;
      default: r.skip();
    }
  }
  return type;
}

ValueInfo Reader::ReadValueInfo(pbf_reader r) {
  Count();
  ValueInfo info;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): info.name = r.get_string(); break;
      case Bytes(2): info.type = ReadType(r.get_message(), 0); break;
      default: r.skip();
    }
  }
  return info;
}

// Files of IR version 1 leave the type out.
AttrType GuessType(const Attribute& a) {
  if (a.t) return AttrType::kTensor;
  if (a.g) return AttrType::kGraph;
  if (!a.floats.empty()) return AttrType::kFloats;
  if (!a.ints.empty()) return AttrType::kInts;
  if (!a.strings.empty()) return AttrType::kStrings;
  if (!a.s.empty()) return AttrType::kString;
  if (a.f != 0) return AttrType::kFloat;
  return AttrType::kInt;
}

Attribute Reader::ReadAttribute(pbf_reader r, int depth) {
  Count();
  Attribute a;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): a.name = r.get_string(); break;
      case Fixed32(2): a.f = r.get_float(); break;
      case Varint(3): a.i = r.get_int64(); break;
      case Bytes(4): a.s = r.get_string(); break;
      case Bytes(5): a.t = std::make_shared<TensorProto>(ReadTensorProto(r.get_message())); break;
      case Bytes(6): a.g = std::make_shared<Graph>(ReadGraph(r.get_message(), depth + 1)); break;
      case Fixed32(7): a.floats.push_back(r.get_float()); break;
      case Bytes(7): AppendFixed(r, &a.floats); break;
      case Varint(8): a.ints.push_back(r.get_int64()); break;
      case Bytes(8): AppendVarints(r, &a.ints); break;
      case Bytes(9): a.strings.push_back(r.get_string()); break;
      case Bytes(10):
        a.tensors.push_back(std::make_shared<TensorProto>(ReadTensorProto(r.get_message())));
        break;
      case Bytes(11):
        a.graphs.push_back(std::make_shared<Graph>(ReadGraph(r.get_message(), depth + 1)));
        break;
      case Bytes(14): a.tp = std::make_shared<TypeProto>(ReadType(r.get_message(), 0)); break;
      case Varint(20): a.type = static_cast<AttrType>(r.get_int32()); break;
      case Bytes(21): a.ref_attr_name = r.get_string(); break;
      case Bytes(22):
        a.sparse_tensor = std::make_shared<SparseTensorProto>(ReadSparse(r.get_message()));
        break;
      default: r.skip();
    }
  }
  if (a.type == AttrType::kUndefined && a.ref_attr_name.empty()) a.type = GuessType(a);
  return a;
}

Node Reader::ReadNode(pbf_reader r, int depth) {
  Count();
  Node n;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): n.inputs.push_back(r.get_string()); break;
      case Bytes(2): n.outputs.push_back(r.get_string()); break;
      case Bytes(3): n.name = r.get_string(); break;
      case Bytes(4): n.op = r.get_string(); break;
      case Bytes(5): n.attributes.push_back(ReadAttribute(r.get_message(), depth)); break;
      case Bytes(7): n.domain = r.get_string(); break;
      case Bytes(8): n.overload = r.get_string(); break;
      default: r.skip();
    }
  }
  if (n.domain == "ai.onnx") n.domain.clear();
  return n;
}

Graph Reader::ReadGraph(pbf_reader r, int depth) {
  Count();
  CheckDepth(depth);
  Graph g;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): g.nodes.push_back(ReadNode(r.get_message(), depth)); break;
      case Bytes(2): g.name = r.get_string(); break;
      case Bytes(5): g.initializers.push_back(ReadTensorProto(r.get_message())); break;
      case Bytes(11): g.inputs.push_back(ReadValueInfo(r.get_message())); break;
      case Bytes(12): g.outputs.push_back(ReadValueInfo(r.get_message())); break;
      case Bytes(13): g.value_infos.push_back(ReadValueInfo(r.get_message())); break;
      case Bytes(15): g.sparse_initializers.push_back(ReadSparse(r.get_message())); break;
      default: r.skip();
    }
  }
  return g;
}

void Reader::ReadOpset(pbf_reader r, Opsets* opsets) {
  std::string domain;
  int64_t version = 0;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): domain = r.get_string(); break;
      case Varint(2): version = r.get_int64(); break;
      default: r.skip();
    }
  }
  if (domain == "ai.onnx") domain.clear();
  int64_t& slot = (*opsets)[domain];
  slot = std::max(slot, version);
}

Function Reader::ReadFunction(pbf_reader r) {
  Count();
  Function f;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): f.name = r.get_string(); break;
      case Bytes(4): f.inputs.push_back(r.get_string()); break;
      case Bytes(5): f.outputs.push_back(r.get_string()); break;
      case Bytes(6): f.attributes.push_back(r.get_string()); break;
      case Bytes(7): f.nodes.push_back(ReadNode(r.get_message(), 0)); break;
      case Bytes(9): ReadOpset(r.get_message(), &f.opsets); break;
      case Bytes(10): f.domain = r.get_string(); break;
      case Bytes(11): f.default_attributes.push_back(ReadAttribute(r.get_message(), 0)); break;
      case Bytes(13): f.overload = r.get_string(); break;
      default: r.skip();
    }
  }
  if (f.domain == "ai.onnx") f.domain.clear();
  return f;
}

Model Reader::ReadModelProto(pbf_reader r) {
  Model m;
  while (r.next()) {
    switch (Key(r)) {
      case Varint(1): m.ir_version = r.get_int64(); break;
      case Bytes(7):
        m.graph = ReadGraph(r.get_message(), 0);
        m.has_graph = true;
        break;
      case Bytes(8): ReadOpset(r.get_message(), &m.opsets); break;
      case Bytes(25): m.functions.push_back(ReadFunction(r.get_message())); break;
      default: r.skip();
    }
  }
  return m;
}

SequenceProto Reader::ReadSequenceProto(pbf_reader r, int depth) {
  Count();
  CheckDepth(depth);
  SequenceProto s;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): s.name = r.get_string(); break;
      case Varint(2): s.elem_type = r.get_int32(); break;
      case Bytes(3): s.tensors.push_back(ReadTensorProto(r.get_message())); break;
      case Bytes(5): s.sequences.push_back(ReadSequenceProto(r.get_message(), depth + 1)); break;
      default: r.skip();
    }
  }
  return s;
}

// protozero reports malformed bytes by exceptions; they end here.
template <typename T, typename Read>
Result<T> Guarded(const char* what, std::string_view bytes, Read read) {
  try {
    return read(pbf_reader(bytes.data(), bytes.size()));
  } catch (const protozero::exception& e) {
    return InvalidArgument("the bytes are no {}: {}", what, e.what());
  } catch (const Refusal& refusal) {
    return InvalidArgument("the bytes are no usable {}: {}", what, refusal.what);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("reading {} of {} bytes", what, bytes.size());
  }
}

}  // namespace

Result<Model> ReadModel(std::string_view bytes) {
  return Guarded<Model>("ONNX model", bytes,
                        [](pbf_reader r) { return Reader().ReadModelProto(r); });
}

Result<TensorProto> ReadTensor(std::string_view bytes) {
  return Guarded<TensorProto>("ONNX tensor", bytes,
                              [](pbf_reader r) { return Reader().ReadTensorProto(r); });
}

Result<SequenceProto> ReadSequence(std::string_view bytes) {
  return Guarded<SequenceProto>("ONNX sequence", bytes,
                                [](pbf_reader r) { return Reader().ReadSequenceProto(r, 0); });
}

}  // namespace belay::onnx
