// Functions on gert contexts as functions of the engine.
#pragma once
#include "api/graph/op_impl.h"
#include "register/op_impl_kernel_registry.h"

namespace belay {

decltype(OpImpl::infer_shape) FromGert(gert::OpImplKernelRegistry::InferShapeKernelFunc function);
decltype(OpImpl::infer_type) FromGert(gert::OpImplKernelRegistry::InferDataTypeKernelFunc function);
decltype(OpImpl::compute) FromGert(gert::OpImplKernelRegistry::OpExecuteFunc function);

}  // namespace belay
