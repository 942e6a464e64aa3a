// Writes small ONNX models for tests, field by field, so that wrong ones can be written as well.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

namespace belay::test {

using protozero::pbf_writer;

struct Attr {
  std::string bytes;
};
inline Attr IntAttr(const std::string& name, int64_t value) {
  Attr a;
  pbf_writer w(a.bytes);
  w.add_string(1, name);
  w.add_int64(3, value);
  w.add_int32(20, 2);
  return a;
}
inline Attr FloatAttr(const std::string& name, float value) {
  Attr a;
  pbf_writer w(a.bytes);
  w.add_string(1, name);
  w.add_float(2, value);
  w.add_int32(20, 1);
  return a;
}
inline Attr IntsAttr(const std::string& name, const std::vector<int64_t>& values,
                     bool packed = false) {
  Attr a;
  pbf_writer w(a.bytes);
  w.add_string(1, name);
  if (packed) {
    w.add_packed_int64(8, values.begin(), values.end());
  } else {
    for (int64_t v : values) w.add_int64(8, v);
  }
  w.add_int32(20, 7);
  return a;
}
// A tensor (field 5, type 4), graph (6, 5) or other message attribute.
inline Attr MessageAttr(const std::string& name, int field, int type, const std::string& message) {
  Attr a;
  pbf_writer w(a.bytes);
  w.add_string(1, name);
  w.add_message(static_cast<protozero::pbf_tag_type>(field), message);
  w.add_int32(20, type);
  return a;
}

inline std::string NodeBytes(const std::string& op, const std::vector<std::string>& inputs,
                             const std::vector<std::string>& outputs,
                             const std::vector<Attr>& attrs = {}, const std::string& name = "",
                             const std::string& domain = "") {
  std::string node;
  pbf_writer w(node);
  for (const auto& s : inputs) w.add_string(1, s);
  for (const auto& s : outputs) w.add_string(2, s);
  if (!name.empty()) w.add_string(3, name);
  w.add_string(4, op);
  for (const Attr& a : attrs) w.add_message(5, a.bytes);
  if (!domain.empty()) w.add_string(7, domain);
  return node;
}

// dims: -1 is a named extent; ranked false leaves the shape out.
inline std::string ValueBytes(const std::string& name, int dtype, const std::vector<int64_t>& dims,
                              bool ranked = true) {
  std::string shape, tensor, type, value;
  pbf_writer sw(shape);
  for (int64_t d : dims) {
    std::string dim;
    pbf_writer dw(dim);
    if (d < 0) {
      dw.add_string(2, "n");
    } else {
      dw.add_int64(1, d);
    }
    sw.add_message(1, dim);
  }
  pbf_writer tw(tensor);
  tw.add_int32(1, dtype);
  if (ranked) tw.add_message(2, shape);
  pbf_writer(type).add_message(1, tensor);
  pbf_writer vw(value);
  vw.add_string(1, name);
  vw.add_message(2, type);
  return value;
}

inline std::string FloatTensor(const std::string& name, const std::vector<int64_t>& dims,
                               const std::vector<float>& v) {
  std::string tensor;
  pbf_writer w(tensor);
  w.add_packed_int64(1, dims.begin(), dims.end());
  w.add_int32(2, 1);
  w.add_string(8, name);
  w.add_bytes(9, reinterpret_cast<const char*>(v.data()), v.size() * sizeof(float));
  return tensor;
}
inline std::string Int64Tensor(const std::string& name, const std::vector<int64_t>& dims,
                               const std::vector<int64_t>& v) {
  std::string tensor;
  pbf_writer w(tensor);
  for (int64_t d : dims) w.add_int64(1, d);
  w.add_int32(2, 7);
  w.add_packed_int64(7, v.begin(), v.end());
  w.add_string(8, name);
  return tensor;
}
inline std::string ExternalTensor(const std::string& name, int dtype,
                                  const std::vector<int64_t>& dims,
                                  const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string tensor;
  pbf_writer w(tensor);
  w.add_packed_int64(1, dims.begin(), dims.end());
  w.add_int32(2, dtype);
  w.add_string(8, name);
  for (const auto& [key, value] : entries) {
    std::string entry;
    pbf_writer ew(entry);
    ew.add_string(1, key);
    ew.add_string(2, value);
    w.add_message(13, entry);
  }
  w.add_int32(14, 1);
  return tensor;
}

struct GraphWriter {
  std::string bytes;
  GraphWriter& Node(const std::string& node) { return Add(1, node); }
  GraphWriter& Initializer(const std::string& tensor) { return Add(5, tensor); }
  GraphWriter& Input(const std::string& value) { return Add(11, value); }
  GraphWriter& Output(const std::string& value) { return Add(12, value); }
  GraphWriter& Add(int field, const std::string& message) {
    pbf_writer(bytes).add_message(static_cast<protozero::pbf_tag_type>(field), message);
    return *this;
  }
};

inline std::string OpsetBytes(int64_t version, const std::string& domain = "") {
  std::string opset;
  pbf_writer w(opset);
  if (!domain.empty()) w.add_string(1, domain);
  w.add_int64(2, version);
  return opset;
}

inline std::string ModelBytes(const GraphWriter& graph, int64_t opset, int64_t ir_version = 8,
                              const std::string& more_opsets = "") {
  std::string model;
  pbf_writer w(model);
  w.add_int64(1, ir_version);
  w.add_message(7, graph.bytes);
  if (opset > 0) w.add_message(8, OpsetBytes(opset));
  return model + more_opsets;
}

// A folder that goes with the test.
class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/belay_import_XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  std::string Write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace belay::test
