// Protobuf files of ONNX test cases, and what a model file says about its inputs and outputs.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "array.h"

namespace belay::tool {

enum class ValueKind { kTensor, kSequence, kOptional, kOther };

struct ModelInput {
  std::string name;
  ValueKind kind = ValueKind::kTensor;
  DType dtype = DType::kUndefined;
  bool ranked = false;
  std::vector<int64_t> dims;    // -1 unknown
  bool is_initializer = false;  // has a default value; not fed unless somebody asks
};

struct ModelOutput {
  std::string name;
  ValueKind kind = ValueKind::kTensor;
};

struct ModelInfo {
  std::vector<ModelInput> inputs;  // as written in graph.input
  std::vector<ModelOutput> outputs;
};

Result<ModelInfo> ReadModelInfo(const std::string& path);
// The model without these initializers, so that the inputs of the same names are fed.
Result<std::string> WithoutInitializers(const std::string& path,
                                        const std::set<std::string>& names);

Result<Array> ReadInitializer(const std::string& path, const std::string& name);

// TensorProto, SequenceProto or OptionalProto; of the latter two, an array of kResource.
Result<Array> ReadValuePb(const std::string& path, ValueKind kind);
Status WriteValuePb(const std::string& path, const ModelOutput& output, const Array& array);

}  // namespace belay::tool
