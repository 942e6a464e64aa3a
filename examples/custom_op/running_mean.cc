// RunningMean in the newer style: everything by IMPL_OP, on gert contexts.
#include "register/op_impl_registry.h"
#include "running_ops.h"

namespace {

int64_t WidthOf(const gert::ExtendedKernelContext* context) { return *context->GetAttrs()->GetInt(0); }

// Belay calls this with several sets of extents to find the formula behind it, and again for every new set that
// a graph is run with. It may fail for extents that make no sense.
ge::graphStatus InferShape(gert::InferShapeContext* context) {
  const gert::Shape* x = context->GetInputShape(0);
  gert::Shape* y = context->GetOutputShape(0);
  const int64_t width = WidthOf(context);
  if (x->GetDimNum() == 0) return ge::GRAPH_FAILED;
  const size_t last = x->GetDimNum() - 1;
  if (width < 1 || x->GetDim(last) < width) return ge::GRAPH_FAILED;
  *y = *x;
  y->SetDim(last, x->GetDim(last) - width + 1);
  return ge::GRAPH_SUCCESS;
}

ge::graphStatus InferDataType(gert::InferDataTypeContext* context) {
  return context->SetOutputDataType(0, context->GetInputDataType(0));
}

// The host kernel: what it writes is there when it returns. Streams may call it at the same time.
ge::graphStatus Execute(gert::OpExecuteContext* context) {
  const gert::Tensor* x = context->GetInputTensor(0);
  const gert::Tensor* y = context->GetOutputTensor(0);
  const int64_t width = WidthOf(context);
  const int64_t row = x->GetStorageShape().GetDim(x->GetStorageShape().GetDimNum() - 1);
  const int64_t results = row - width + 1;
  const float* from = x->GetData<float>();
  float* to = const_cast<float*>(y->GetData<float>());
  for (int64_t i = 0; i < y->GetShapeSize(); ++i) {
    const float* window = from + i / results * row + i % results;
    double sum = 0;
    for (int64_t k = 0; k < width; ++k) sum += window[k];
    to[i] = static_cast<float>(sum / static_cast<double>(width));
  }
  return ge::GRAPH_SUCCESS;
}

}  // namespace

IMPL_OP(RunningMean).InferShape(InferShape).InferDataType(InferDataType).OpExecuteFunc(Execute);
