// Bytes of protobuf messages to the structs of proto.h. Any input is safe: what is malformed is an error.
#pragma once
#include <string_view>

#include "base/status.h"
#include "import/onnx/proto.h"

namespace belay::onnx {

// `bytes` must outlive the result: raw tensor data points into it.
Result<Model> ReadModel(std::string_view bytes);
Result<TensorProto> ReadTensor(std::string_view bytes);
Result<SequenceProto> ReadSequence(std::string_view bytes);

}  // namespace belay::onnx
