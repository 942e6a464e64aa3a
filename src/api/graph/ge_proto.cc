#include "api/graph/ge_proto.h"

#include <limits>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "api/graph/tensor_impl.h"
#include "api/graph/type_names.h"

namespace ge {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

constexpr size_t kMaxBytes = std::numeric_limits<int32_t>::max();

// The types of ge.proto in its own order: not that of ge::DataType.
constexpr DataType kProtoTypes[] = {
    DT_UNDEFINED, DT_FLOAT, DT_FLOAT16, DT_INT8, DT_UINT8, DT_INT16, DT_UINT16, DT_INT32, DT_INT64,
    DT_UINT32, DT_UINT64, DT_BOOL, DT_DOUBLE, DT_STRING, DT_DUAL_SUB_INT8, DT_DUAL_SUB_UINT8,
    DT_COMPLEX64, DT_COMPLEX128, DT_QINT8, DT_QINT16, DT_QINT32, DT_QUINT8, DT_QUINT16, DT_RESOURCE,
    DT_STRING_REF, DT_DUAL, DT_VARIANT, DT_BF16, DT_INT4, DT_UINT1, DT_INT2, DT_UINT2, DT_COMPLEX32,
    DT_HIFLOAT8, DT_FLOAT8_E5M2, DT_FLOAT8_E4M3FN, DT_FLOAT8_E8M0, DT_FLOAT6_E3M2, DT_FLOAT6_E2M3,
    DT_FLOAT4_E2M1, DT_FLOAT4_E1M2};

DataType FromProtoType(int64_t number) {
  const bool known = number >= 0 && number < static_cast<int64_t>(std::size(kProtoTypes));
  return known ? kProtoTypes[number] : DT_UNDEFINED;
}
int32_t ToProtoType(DataType type) {
  for (size_t i = 0; i < std::size(kProtoTypes); ++i) {
    if (kProtoTypes[i] == type) return static_cast<int32_t>(i);
  }
  return 0;
}

// Keeps the bytes of fields that mean nothing here.
class Reader : public pbf_reader {
 public:
  Reader(const pbf_reader& message, std::string* rest) : pbf_reader(message), rest_(rest) {}
  bool next() {
    start_ = data().data();
    return pbf_reader::next();
  }
  void Keep() {
    skip();
    KeepRead();
  }
  // The field that was just read, too.
  void KeepRead() { rest_->append(start_, static_cast<size_t>(data().data() - start_)); }

 private:
  std::string* const rest_;
  const char* start_ = nullptr;
};

Format FormatOf(const std::string& layout) {
  const Format format = FormatOfText(layout.substr(0, layout.find(':')).c_str());
  return format == FORMAT_RESERVED ? FORMAT_ND : format;
}

// A field's number and wire type in one switch label; others are skipped, as protobuf does.
constexpr uint32_t Varint(uint32_t field) { return field << 3 | 0; }
constexpr uint32_t Bytes(uint32_t field) { return field << 3 | 2; }
constexpr uint32_t Fixed32(uint32_t field) { return field << 3 | 5; }
uint32_t Key(const pbf_reader& r) { return r.tag() << 3 | static_cast<uint32_t>(r.wire_type()); }

// Repeated numbers come packed or one by one.
template <typename T, typename Range>
void Append(const Range& range, std::vector<T>* out) {
  for (auto it = range.begin(); it != range.end(); ++it) out->push_back(static_cast<T>(*it));
}

// The text of a layout among the rest, which says more than the number of the format; "" when there is none.
std::string LayoutIn(const std::string& rest) {
  std::string layout;
  for (pbf_reader r(rest); r.next();) {
    if (Key(r) == Bytes(4)) {
      layout = r.get_string();
    } else {
      r.skip();
    }
  }
  return layout;
}

TensorDesc ReadDesc(const pbf_reader& message, std::string* name, std::string* rest) {
  Reader r(message, rest);
  TensorDesc desc;
  desc.SetDataType(DT_UNDEFINED);
  std::vector<int64_t> dims;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): *name = r.get_string(); break;
      case Varint(2): {
        const int64_t number = r.get_int64();
        desc.SetDataType(FromProtoType(number));
        if (number != ToProtoType(desc.GetDataType())) r.KeepRead();
        break;
      }
      case Bytes(3): {
        std::string shape_rest;
        Reader shape(r.get_message(), &shape_rest);
        while (shape.next()) {
          switch (Key(shape)) {
            case Varint(1): dims.push_back(shape.get_int64()); break;
            case Bytes(1): Append(shape.get_packed_int64(), &dims); break;
            default: shape.Keep();
          }
        }
        if (!shape_rest.empty()) pbf_writer(*rest).add_message(3, shape_rest);  // readers merge the two
        break;
      }
      case Bytes(4): {
        const std::string layout = r.get_string();
        desc.SetFormat(FormatOf(layout));
        const char* text = FormatText(desc.GetFormat());
        if (text == nullptr || layout != text) r.KeepRead();
        break;
      }
      default: r.Keep();
    }
  }
  desc.SetShape(Shape(dims));
  return desc;
}

Tensor ReadTensor(const pbf_reader& message) {
  Tensor tensor;
  TensorImpl& impl = *TensorAdapter::Impl(tensor);
  Reader r(message, &impl.rest);
  std::string name;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1):
        impl.desc = ReadDesc(r.get_message(), &name, &impl.desc_rest);
        impl.desc.SetName(name.c_str());
        break;
      case Bytes(2): {
        const protozero::data_view data = r.get_view();
        (void)tensor.SetData(reinterpret_cast<const uint8_t*>(data.data()), data.size());
        break;
      }
      default: r.Keep();
    }
  }
  return tensor;
}

std::vector<uint8_t> ReadBytes(pbf_reader& r) {
  const protozero::data_view data = r.get_view();
  return std::vector<uint8_t>(data.data(), data.data() + data.size());
}

struct ListProto {
  std::vector<std::string> texts;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<bool> bools;
  std::vector<Tensor> tensors;
  std::vector<DataType> types;
  int64_t kind = 0;
  bool other = false;    // holds what no operator has
  bool unknown = false;  // holds what nobody knows
};

// The list its val_type names, or else the one with something in it; an empty one of no type is of
// integers.
AttrData ListOf(ListProto list) {
  if (list.other || (list.kind == 0 && list.unknown && list.ints.empty() && list.texts.empty() && list.floats.empty() &&
                     list.bools.empty() && list.tensors.empty() && list.types.empty())) {
    return AttrData();
  }
  if (list.kind == 1 || (list.kind == 0 && !list.texts.empty())) return std::move(list.texts);
  if (list.kind == 3 || (list.kind == 0 && !list.floats.empty())) return std::move(list.floats);
  if (list.kind == 4 || (list.kind == 0 && !list.bools.empty())) return std::move(list.bools);
  if (list.kind == 7 || (list.kind == 0 && !list.tensors.empty())) return std::move(list.tensors);
  if (list.kind == 10 || (list.kind == 0 && !list.types.empty())) return std::move(list.types);
  if (list.kind == 0 || list.kind == 2) return std::move(list.ints);
  return AttrData();
}

AttrData ReadList(pbf_reader r) {
  ListProto list;
  std::vector<int64_t> types;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(2): list.texts.push_back(r.get_string()); break;
      case Varint(3): list.ints.push_back(r.get_int64()); break;
      case Bytes(3): Append(r.get_packed_int64(), &list.ints); break;
      case Fixed32(4): list.floats.push_back(r.get_float()); break;
      case Bytes(4): Append(r.get_packed_float(), &list.floats); break;
      case Varint(5): list.bools.push_back(r.get_bool()); break;
      case Bytes(5): Append(r.get_packed_bool(), &list.bools); break;
      case Bytes(9): list.tensors.push_back(ReadTensor(r.get_message())); break;
      case Varint(12): types.push_back(r.get_int64()); break;
      case Bytes(12): Append(r.get_packed_int64(), &types); break;
      case Varint(20): list.kind = r.get_int64(); break;
      case Bytes(7): case Bytes(8): case Bytes(10): case Bytes(11): list.other = true; r.skip(); break;
      default: list.unknown = true; r.skip();
    }
  }
  for (int64_t type : types) list.types.push_back(static_cast<DataType>(type));
  return ListOf(std::move(list));
}

AttrData ReadLists(pbf_reader r) {
  std::vector<std::vector<int64_t>> lists;
  while (r.next()) {
    if (Key(r) != Bytes(1)) {
      r.skip();
      continue;
    }
    lists.emplace_back();
    pbf_reader list = r.get_message();
    while (list.next()) {
      switch (Key(list)) {
        case Varint(1): lists.back().push_back(list.get_int64()); break;
        case Bytes(1): Append(list.get_packed_int64(), &lists.back()); break;
        default: list.skip();
      }
    }
  }
  return lists;
}

// Monostate for the kinds that no operator declares: graphs, descriptions, named attributes, and those not known.
AttrData ReadAttr(pbf_reader r) {
  AttrData data;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): data = ReadList(r.get_message()); break;
      case Bytes(2): data = r.get_string(); break;
      case Varint(3): data = r.get_int64(); break;
      case Fixed32(4): data = r.get_float(); break;
      case Varint(5): data = r.get_bool(); break;
      case Bytes(7): data = ReadBytes(r); break;
      case Bytes(12): data = ReadTensor(r.get_message()); break;
      case Bytes(14): data = ReadLists(r.get_message()); break;
      case Varint(15): data = static_cast<DataType>(r.get_int64()); break;
      default: r.skip();
    }
  }
  return data;
}

// False for an attribute whose value means nothing here.
bool ReadAttrEntry(pbf_reader r, OpProto* op) {
  std::string key;
  AttrData data;
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): key = r.get_string(); break;
      case Bytes(2): data = ReadAttr(r.get_message()); break;
      default: r.skip();
    }
  }
  if (std::holds_alternative<std::monostate>(data)) {
    op->unreadable_attrs.push_back(std::move(key));
    return false;
  }
  op->attrs.emplace_back(std::move(key), std::move(data));
  return true;
}

OpProto ReadOp(const pbf_reader& message) {
  OpProto op;
  Reader r(message, &op.rest);
  auto desc = [&r](std::vector<DescProto>* descs) {
    descs->emplace_back();
    descs->back().desc = ReadDesc(r.get_message(), &descs->back().name, &descs->back().rest);
  };
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): op.name = r.get_string(); break;
      case Bytes(2): op.type = r.get_string(); break;
      case Bytes(5): op.inputs.push_back(r.get_string()); break;
      case Bytes(10):
        if (!ReadAttrEntry(r.get_message(), &op)) r.KeepRead();
        break;
      case Bytes(33): desc(&op.input_descs); break;
      case Bytes(34): desc(&op.output_descs); break;
      case Bytes(35): op.subgraph_names.push_back(r.get_string()); break;
      default: r.Keep();
    }
  }
  return op;
}

GraphProto ReadGraph(const pbf_reader& message) {
  GraphProto graph;
  Reader r(message, &graph.rest);
  while (r.next()) {
    switch (Key(r)) {
      case Bytes(1): graph.name = r.get_string(); break;
      case Bytes(4): graph.inputs.push_back(r.get_string()); break;
      case Bytes(5): graph.outputs.push_back(r.get_string()); break;
      case Bytes(6): graph.ops.push_back(ReadOp(r.get_message())); break;
      default: r.Keep();
    }
  }
  return graph;
}

void Append(const std::string& rest, pbf_writer* w) {
  for (pbf_reader r(rest); r.next();) {
    const protozero::pbf_tag_type tag = r.tag();
    switch (r.wire_type()) {
      case protozero::pbf_wire_type::varint: w->add_uint64(tag, r.get_uint64()); break;
      case protozero::pbf_wire_type::fixed64: w->add_fixed64(tag, r.get_fixed64()); break;
      case protozero::pbf_wire_type::fixed32: w->add_fixed32(tag, r.get_fixed32()); break;
      default: w->add_bytes(tag, r.get_view());
    }
  }
}

// Of a field that stands twice, readers take the last: what a program has set since is behind the rest.
void WriteDesc(pbf_writer&& w, const DescProto& proto) {
  Append(proto.rest, &w);
  if (!proto.name.empty()) w.add_string(1, proto.name);
  const int32_t type = ToProtoType(proto.desc.GetDataType());
  if (type != 0 || proto.rest.empty()) w.add_enum(2, type);
  {
    pbf_writer shape(w, 3);
    const std::vector<int64_t> dims = proto.desc.GetShape().GetDims();
    shape.add_packed_int64(1, dims.begin(), dims.end());
  }
  const std::string read = LayoutIn(proto.rest);
  if (!read.empty() && FormatOf(read) == proto.desc.GetFormat()) return;
  const char* layout = FormatText(proto.desc.GetFormat());
  w.add_string(4, layout == nullptr ? "ND" : layout);
}

void WriteTensor(pbf_writer&& w, const Tensor& tensor) {
  const TensorImpl& impl = *TensorAdapter::Impl(tensor);
  Append(impl.rest, &w);
  AscendString name;
  (void)impl.desc.GetName(name);
  WriteDesc(pbf_writer(w, 1), {name.GetString(), impl.desc, impl.desc_rest});
  if (tensor.GetSize() != 0) {
    w.add_bytes(2, reinterpret_cast<const char*>(impl.data()), tensor.GetSize());
  }
}

struct AttrWriter {
  pbf_writer& w;

  void operator()(std::monostate) const {}
  void operator()(int64_t v) const { w.add_int64(3, v); }
  void operator()(float v) const { w.add_float(4, v); }
  void operator()(bool v) const { w.add_bool(5, v); }
  void operator()(const std::string& v) const { w.add_bytes(2, v); }
  void operator()(DataType v) const { w.add_int64(15, v); }
  void operator()(const Tensor& v) const {
    WriteTensor(pbf_writer(w, 12), v);
  }
  void operator()(const std::vector<uint8_t>& v) const {
    w.add_bytes(7, reinterpret_cast<const char*>(v.data()), v.size());
  }
  void operator()(const std::vector<std::vector<int64_t>>& v) const {
    // Through strings: a nested writer leaves an empty message out.
    std::string lists;
    for (const auto& ints : v) {
      std::string list;
      pbf_writer(list).add_packed_int64(1, ints.begin(), ints.end());
      pbf_writer(lists).add_message(1, list);
    }
    w.add_message(14, lists);
  }
  void operator()(const NamedAttrs&) const {}
  void operator()(const std::vector<NamedAttrs>&) const {}
  template <typename T>
  void operator()(const std::vector<T>& v) const {
    pbf_writer list(w, 1);
    Items(list, v);
  }

 private:
  static void Items(pbf_writer& w, const std::vector<std::string>& v) {
    for (const std::string& text : v) w.add_bytes(2, text);
    w.add_enum(20, 1);
  }
  static void Items(pbf_writer& w, const std::vector<int64_t>& v) {
    w.add_packed_int64(3, v.begin(), v.end());
    w.add_enum(20, 2);
  }
  static void Items(pbf_writer& w, const std::vector<float>& v) {
    w.add_packed_float(4, v.begin(), v.end());
    w.add_enum(20, 3);
  }
  static void Items(pbf_writer& w, const std::vector<bool>& v) {
    w.add_packed_bool(5, v.begin(), v.end());
    w.add_enum(20, 4);
  }
  static void Items(pbf_writer& w, const std::vector<Tensor>& v) {
    for (const Tensor& tensor : v) WriteTensor(pbf_writer(w, 9), tensor);
    w.add_enum(20, 7);
  }
  static void Items(pbf_writer& w, const std::vector<DataType>& v) {
    const std::vector<int64_t> numbers(v.begin(), v.end());
    w.add_packed_int64(12, numbers.begin(), numbers.end());
    w.add_enum(20, 10);
  }
};

void WriteOp(pbf_writer&& w, const OpProto& op) {
  Append(op.rest, &w);
  w.add_string(1, op.name);
  w.add_string(2, op.type);
  for (const std::string& input : op.inputs) w.add_string(5, input);
  for (const auto& [key, data] : op.attrs) {
    pbf_writer entry(w, 10);
    entry.add_string(1, key);
    pbf_writer value(entry, 2);
    std::visit(AttrWriter{value}, data);
  }
  for (const DescProto& desc : op.input_descs) WriteDesc(pbf_writer(w, 33), desc);
  for (const DescProto& desc : op.output_descs) WriteDesc(pbf_writer(w, 34), desc);
  for (const std::string& name : op.subgraph_names) w.add_string(35, name);
}

}  // namespace

belay::Result<ModelProto> ParseModel(std::string_view bytes) {
  if (bytes.size() > kMaxBytes) {
    return belay::InvalidArgument("a serialised graph of {} bytes: the most is {}", bytes.size(), kMaxBytes);
  }
  ModelProto model;
  try {
    Reader r(pbf_reader(bytes.data(), bytes.size()), &model.rest);
    while (r.next()) {
      switch (Key(r)) {
        case Bytes(1): model.name = r.get_string(); break;
        case Bytes(7): model.graphs.push_back(ReadGraph(r.get_message())); break;
        default: r.Keep();
      }
    }
  } catch (const protozero::exception& error) {
    return belay::InvalidArgument("the {} bytes are no serialised graph: {}", bytes.size(), error.what());
  }
  if (model.graphs.empty()) return belay::InvalidArgument("the model has no graph");
  return model;
}

belay::Result<std::string> SerializeModel(const ModelProto& model) {
  std::string bytes;
  pbf_writer w(bytes);
  Append(model.rest, &w);
  w.add_string(1, model.name);
  if (model.rest.empty()) w.add_uint32(2, 1);  // the version, else as it was read
  for (const GraphProto& graph : model.graphs) {
    pbf_writer g(w, 7);
    Append(graph.rest, &g);
    g.add_string(1, graph.name);
    for (const std::string& input : graph.inputs) g.add_string(4, input);
    for (const std::string& output : graph.outputs) g.add_string(5, output);
    for (const OpProto& op : graph.ops) WriteOp(pbf_writer(g, 6), op);
  }
  if (bytes.size() > kMaxBytes) {
    return belay::NotSupported("the serialised graph has {} bytes: the most is {}", bytes.size(), kMaxBytes);
  }
  return bytes;
}

}  // namespace ge
