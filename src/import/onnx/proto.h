// The messages of an .onnx file as plain structs. Names are ours where ONNX's are long; what Belay never
// uses (documentation, training, quantization annotations) is not kept.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/literal.h"

namespace belay::onnx {

struct TensorProto {
  std::string name;
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::string_view raw_data;  // points into the model's bytes
  bool has_raw_data = false;
  std::vector<float> float_data;
  std::vector<int32_t> int32_data;
  std::vector<int64_t> int64_data;
  std::vector<uint64_t> uint64_data;
  std::vector<double> double_data;
  std::vector<std::string> string_data;
  bool is_external = false;
  bool is_segmented = false;
  std::vector<std::pair<std::string, std::string>> external_data;
  std::shared_ptr<LateBytes> late;  // the bytes above or in a data file; see FindLateBytes
};

struct SparseTensorProto {
  TensorProto values, indices;
  std::vector<int64_t> dims;
};

struct TypeProto {
  enum class Kind { kNone, kTensor, kSequence, kMap, kOptional, kSparse, kOpaque };
  Kind kind = Kind::kNone;
  int64_t elem_type = 0;  // kTensor, kSparse
  bool has_shape = false;
  std::vector<int64_t> dims;        // -1: a name or nothing stands there
  std::shared_ptr<TypeProto> elem;  // kSequence, kOptional
};

struct ValueInfo {
  std::string name;
  TypeProto type;
};

struct Graph;

enum class AttrType : int {
  kUndefined = 0,
  kFloat = 1,
  kInt = 2,
  kString = 3,
  kTensor = 4,
  kGraph = 5,
  kFloats = 6,
  kInts = 7,
  kStrings = 8,
  kTensors = 9,
  kGraphs = 10,
  kSparseTensor = 11,
  kSparseTensors = 12,
  kType = 13,
  kTypes = 14,
};

struct Attribute {
  std::string name, ref_attr_name;
  AttrType type = AttrType::kUndefined;
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::shared_ptr<TensorProto> t;
  std::shared_ptr<SparseTensorProto> sparse_tensor;
  std::shared_ptr<Graph> g;
  std::shared_ptr<TypeProto> tp;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  std::vector<std::shared_ptr<TensorProto>> tensors;
  std::vector<std::shared_ptr<Graph>> graphs;
};

using Opsets = std::map<std::string, int64_t>;  // by domain; "" is ai.onnx

struct Node {
  std::string name, op, domain, overload;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;
  std::shared_ptr<const Opsets> opsets;  // of the function it came from; nullptr: the model's

  const Attribute* Find(std::string_view attr) const {
    for (const Attribute& a : attributes) {
      if (a.name == attr) return &a;
    }
    return nullptr;
  }
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<TensorProto> initializers;
  std::vector<SparseTensorProto> sparse_initializers;
  std::vector<ValueInfo> inputs, outputs, value_infos;
};

struct Function {
  std::string name, domain, overload;
  std::vector<std::string> inputs, outputs, attributes;
  std::vector<Attribute> default_attributes;
  std::vector<Node> nodes;
  Opsets opsets;
};

struct Model {
  int64_t ir_version = 0;
  Opsets opsets;
  Graph graph;
  bool has_graph = false;
  std::vector<Function> functions;
};

// A file of a test case: input_0.pb, output_0.pb.
struct SequenceProto {
  std::string name;
  int64_t elem_type = 0;  // 1 tensor, 3 sequence, 5 optional
  std::vector<TensorProto> tensors;
  std::vector<SequenceProto> sequences;
};

}  // namespace belay::onnx
