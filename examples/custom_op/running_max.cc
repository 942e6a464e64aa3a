// RunningMax with inference and verification in the classic style, on ge::Operator. The kernel is registered as ever.
#include <algorithm>

#include "register/op_impl_registry.h"
#include "running_ops.h"

namespace ge {

IMPLEMT_VERIFIER(RunningMax, Verify) {
  return op.get_attr_width() >= 1 ? GRAPH_SUCCESS : GRAPH_PARAM_INVALID;
}
VERIFY_FUNC_REG(RunningMax, Verify)

IMPLEMT_COMMON_INFERFUNC(InferShapeAndType) {
  TensorDesc y = op.GetOutputDescByName("y");
  const TensorDesc x = op.GetInputDescByName("x");
  std::vector<int64_t> dims = x.GetShape().GetDims();
  int64_t width = 0;
  if (dims.empty() || op.GetAttr("width", width) != GRAPH_SUCCESS) return GRAPH_FAILED;
  // Unknown extents, as other tools than Belay may ask with, stay unknown.
  if (dims.back() >= 0) dims.back() -= width - 1;
  if (dims.back() < -1) return GRAPH_FAILED;
  y.SetShape(Shape(dims));
  y.SetDataType(x.GetDataType());
  return op.UpdateOutputDesc("y", y);
}
COMMON_INFER_FUNC_REG(RunningMax, InferShapeAndType)

}  // namespace ge

namespace {

template <typename T>
void RunningMax(const gert::Tensor* x, const gert::Tensor* y, int64_t width) {
  const int64_t row = x->GetStorageShape().GetDim(x->GetStorageShape().GetDimNum() - 1);
  const int64_t results = row - width + 1;
  T* to = const_cast<T*>(y->GetData<T>());
  for (int64_t i = 0; i < y->GetShapeSize(); ++i) {
    const T* window = x->GetData<T>() + i / results * row + i % results;
    to[i] = *std::max_element(window, window + width);
  }
}

ge::graphStatus Execute(gert::OpExecuteContext* context) {
  const gert::Tensor* x = context->GetInputTensor(0);
  const int64_t width = *context->GetAttrs()->GetInt(0);
  if (x->GetDataType() == ge::DT_FLOAT) {
    RunningMax<float>(x, context->GetOutputTensor(0), width);
  } else {
    RunningMax<int32_t>(x, context->GetOutputTensor(0), width);
  }
  return ge::GRAPH_SUCCESS;
}

}  // namespace

IMPL_OP(RunningMax).OpExecuteFunc(Execute);
