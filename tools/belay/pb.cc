#include "pb.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/sequences.h"
#include "base/texts.h"
#include "import/onnx/reader.h"
#include "import/onnx/tensor.h"

namespace belay::tool {
namespace {

ValueKind KindOf(const onnx::TypeProto& type) {
  switch (type.kind) {
    case onnx::TypeProto::Kind::kTensor: return ValueKind::kTensor;
    case onnx::TypeProto::Kind::kSequence: return ValueKind::kSequence;
    case onnx::TypeProto::Kind::kOptional: return ValueKind::kOptional;
    default: return ValueKind::kOther;
  }
}

// Copies a message's fields except those for which `drop` says so.
template <typename Drop>
std::string CopyMessage(protozero::data_view message, Drop drop) {
  std::string out;
  protozero::pbf_reader reader(message);
  const char* at = message.data();
  while (reader.next()) {
    protozero::pbf_reader field = reader;
    reader.skip();
    const char* end = reader.data().data();
    if (!drop(field, &out)) out.append(at, static_cast<size_t>(end - at));
    at = end;
  }
  return out;
}

std::string TensorName(protozero::pbf_reader tensor) {
  while (tensor.next()) {
    if (tensor.tag() == 8 && tensor.wire_type() == protozero::pbf_wire_type::length_delimited)
      return tensor.get_string();
    tensor.skip();
  }
  return "";
}

Result<Array> FromTensor(const onnx::TensorProto& proto, const std::string& path) {
  onnx::ExternalFiles none("");
  BELAY_TRY(LiteralPtr literal, onnx::ToLiteral(proto, &none).Context(path));
  Array array{literal->dtype, literal->dims, {}};
  if (literal->dtype == DType::kString) {
    const std::vector<uint8_t> bytes = PackTexts({literal->strings->begin(), literal->strings->end()});
    array.data.assign(bytes.begin(), bytes.end());
    return array;
  }
  const char* data = static_cast<const char*>(literal->data());
  if (literal->ByteSize() > 0) array.data.assign(data, data + literal->ByteSize());
  return array;
}

// Field numbers and kinds of elements that SequenceProto and OptionalProto share.
enum Field : protozero::pbf_tag_type { kName = 1, kElementKind = 2, kTensors = 3, kSequences = 5, kOptionals = 7 };
enum ElementKind : int { kNothing = 0, kTensor = 1, kSequence = 3, kOptional = 5 };

Result<std::vector<uint8_t>> Packed(const onnx::SequenceProto& proto, bool optional, const std::string& path) {
  if (proto.elem_type != kNothing && proto.elem_type != kTensor && proto.elem_type != kSequence) {
    return NotSupported("{} holds elements of kind {}; tensors (1) and sequences (3) are read", path, proto.elem_type);
  }
  std::vector<Array> tensors;
  std::vector<std::vector<uint8_t>> sequences;
  for (const onnx::TensorProto& t : proto.tensors) {
    BELAY_TRY(Array array, FromTensor(t, path));
    tensors.push_back(std::move(array));
  }
  for (const onnx::SequenceProto& s : proto.sequences) {
    BELAY_TRY(std::vector<uint8_t> inner, Packed(s, false, path));
    sequences.push_back(std::move(inner));
  }
  PackedSequence packed;
  packed.optional = optional;
  for (const Array& t : tensors) packed.elements.push_back({t.dtype, t.dims, {t.data.data(), t.data.size()}});
  for (const std::vector<uint8_t>& s : sequences) {
    packed.elements.push_back({DType::kResource, {}, {reinterpret_cast<const char*>(s.data()), s.size()}});
  }
  return PackSequence(packed);
}

Result<std::string> TensorMessage(const std::string& name, const Array& array) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(1, array.dims.begin(), array.dims.end());
  writer.add_int32(2, DTypeToOnnx(array.dtype));
  writer.add_string(8, name);
  if (array.dtype != DType::kString) {
    writer.add_bytes(9, array.data.data(), array.data.size());
    return bytes;
  }
  std::vector<std::string_view> texts;
  if (!UnpackTexts(array.data.data(), array.data.size(), static_cast<size_t>(array.Count()), &texts)) {
    return Internal("{} is no string tensor", name);
  }
  for (std::string_view text : texts) writer.add_bytes(6, text.data(), text.size());
  return bytes;
}

Result<std::string> SequenceMessage(const std::string& name, const PackedSequence& sequence) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(kName, name);
  int kind = sequence.optional ? kNothing : kTensor;
  for (const PackedElement& e : sequence.elements) {
    kind = kTensor;
    if (e.dtype != DType::kResource) {
      BELAY_TRY(std::string tensor, TensorMessage("", {e.dtype, e.dims, {e.bytes.begin(), e.bytes.end()}}));
      writer.add_message(kTensors, tensor);
      continue;
    }
    PackedSequence inner;
    if (!UnpackSequence(e.bytes.data(), e.bytes.size(), &inner)) {
      return Internal("an element of {} is no sequence", name);
    }
    BELAY_TRY(std::string message, SequenceMessage("", inner));
    kind = inner.optional ? kOptional : kSequence;
    writer.add_message(inner.optional ? kOptionals : kSequences, message);
  }
  writer.add_int32(kElementKind, kind);
  return bytes;
}

}  // namespace

Result<ModelInfo> ReadModelInfo(const std::string& path) {
  BELAY_TRY(std::shared_ptr<const onnx::MappedFile> file, onnx::MapFile(path));
  BELAY_TRY(onnx::Model model, onnx::ReadModel({file->data, file->size}).Context(path));
  std::set<std::string> initializers;
  for (const auto& t : model.graph.initializers) initializers.insert(t.name);
  for (const auto& t : model.graph.sparse_initializers) initializers.insert(t.values.name);
  ModelInfo info;
  for (const onnx::ValueInfo& v : model.graph.inputs) {
    ModelInput in;
    in.name = v.name;
    in.kind = KindOf(v.type);
    in.dtype = DTypeFromOnnx(v.type.elem_type);
    in.ranked = v.type.has_shape;
    in.dims = v.type.dims;
    in.is_initializer = initializers.count(v.name) != 0;
    info.inputs.push_back(std::move(in));
  }
  for (const onnx::ValueInfo& v : model.graph.outputs)
    info.outputs.push_back({v.name, KindOf(v.type)});
  return info;
}

Result<std::string> WithoutInitializers(const std::string& path,
                                        const std::set<std::string>& names) {
  BELAY_TRY(std::string bytes, ReadFile(path));
  const auto drop_tensor = [&](protozero::pbf_reader field, std::string*) {
    return field.tag() == 5 && names.count(TensorName(field.get_message())) != 0;
  };
  const auto rewrite_graph = [&](protozero::pbf_reader field, std::string* out) {
    if (field.tag() != 7) return false;
    protozero::pbf_writer(*out).add_message(7, CopyMessage(field.get_view(), drop_tensor));
    return true;
  };
  try {
    return CopyMessage({bytes.data(), bytes.size()}, rewrite_graph);
  } catch (const protozero::exception& e) {
    return InvalidArgument("{}: {}", path, e.what());
  }
}

Result<Array> ReadInitializer(const std::string& path, const std::string& name) {
  BELAY_TRY(std::shared_ptr<const onnx::MappedFile> file, onnx::MapFile(path));
  BELAY_TRY(onnx::Model model, onnx::ReadModel({file->data, file->size}).Context(path));
  for (const onnx::TensorProto& t : model.graph.initializers) {
    if (t.name == name) return FromTensor(t, path);
  }
  return NotFound("{} has no initializer {}", path, name);
}

Result<Array> ReadValuePb(const std::string& path, ValueKind kind) {
  BELAY_TRY(std::string bytes, ReadFile(path));
  if (kind == ValueKind::kTensor) {
    BELAY_TRY(onnx::TensorProto proto, onnx::ReadTensor(bytes).Context(path));
    return FromTensor(proto, path);
  }
  // An OptionalProto has the same fields.
  BELAY_TRY(onnx::SequenceProto proto, onnx::ReadSequence(bytes).Context(path));
  BELAY_TRY(std::vector<uint8_t> packed, Packed(proto, kind == ValueKind::kOptional, path));
  return Array{DType::kResource, {}, {packed.begin(), packed.end()}};
}

Status WriteValuePb(const std::string& path, const ModelOutput& output, const Array& array) {
  if (array.dtype != DType::kResource) {
    BELAY_TRY(std::string tensor, TensorMessage(output.name, array));
    return WriteFile(path, tensor);
  }
  PackedSequence packed;
  if (!UnpackSequence(array.data.data(), array.data.size(), &packed)) {
    return Internal("output {} is no sequence", output.name);
  }
  if (output.kind == ValueKind::kOptional && !packed.optional) {
    packed = {true, {{DType::kResource, {}, {array.data.data(), array.data.size()}}}};
  }
  if (packed.optional != (output.kind == ValueKind::kOptional)) {
    return Internal("output {} is {}", output.name, packed.optional ? "an optional" : "no optional");
  }
  BELAY_TRY(std::string message, SequenceMessage(output.name, packed));
  return WriteFile(path, message);
}

}  // namespace belay::tool
