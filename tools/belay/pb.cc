#include "pb.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

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
  const char* data = static_cast<const char*>(literal->data);
  if (literal->ByteSize() > 0) array.data.assign(data, data + literal->ByteSize());
  return array;
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

Result<Array> ReadTensorPb(const std::string& path) {
  BELAY_TRY(std::string bytes, ReadFile(path));
  BELAY_TRY(onnx::TensorProto proto, onnx::ReadTensor(bytes).Context(path));
  return FromTensor(proto, path);
}

Status WriteTensorPb(const std::string& path, const std::string& name, const Array& array) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(1, array.dims.begin(), array.dims.end());
  writer.add_int32(2, DTypeToOnnx(array.dtype));
  writer.add_string(8, name);
  if (array.dtype == DType::kString) {
    std::vector<std::string_view> texts;
    if (!UnpackTexts(array.data.data(), array.data.size(), static_cast<size_t>(array.Count()), &texts)) {
      return Internal("output {} is no string tensor", name);
    }
    for (std::string_view text : texts) writer.add_bytes(6, text.data(), text.size());
    return WriteFile(path, bytes);
  }
  writer.add_bytes(9, array.data.data(), array.data.size());
  return WriteFile(path, bytes);
}

}  // namespace belay::tool
