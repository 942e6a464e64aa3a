#include "api/register/gert_functions.h"

#include "api/exe_graph/workspace.h"
#include "api/graph/classic_inference.h"
#include "api/graph/convert.h"
#include "api/register/node_info.h"
#include "api/register/run_context.h"

namespace belay {
namespace {

using Registry = gert::OpImplKernelRegistry;

Result<gert::Shape> ToShape(const std::vector<int64_t>& dims) {
  if (dims.size() > gert::Shape::kMaxDimNum) {
    return NotSupported("a tensor has rank {}: functions of operators see at most {}", dims.size(),
                        gert::Shape::kMaxDimNum);
  }
  gert::Shape shape;
  for (int64_t dim : dims) shape.AppendDim(dim);
  return shape;
}

Status AddTensor(const std::vector<int64_t>& dims, DType dtype, void* data, std::vector<gert::Tensor>* tensors) {
  BELAY_TRY(gert::Shape shape, ToShape(dims));
  gert::StorageShape both;
  both.MutableOriginShape() = shape;
  both.MutableStorageShape() = shape;
  const gert::StorageFormat nd(ge::FORMAT_ND, ge::FORMAT_ND, {});
  tensors->emplace_back(both, nd, gert::kOnHost, FromDType(dtype), data);
  if (data == nullptr) tensors->back().SetSize(0);
  return OkStatus();
}

// The inputs that are there.
std::vector<const PlainTensor*> Present(const OpNode& node, const PlainCall& call) {
  std::vector<const PlainTensor*> present;
  for (size_t i = 0; i < node.there.size(); ++i) {
    if (node.there[i]) present.push_back(&call.inputs[i]);
  }
  return present;
}

template <typename Pointers>
DTypes TypesOf(const Pointers& tensors) {
  DTypes types;
  for (const auto& t : tensors) types.push_back(t->dtype);
  return types;
}

DTypes OutputTypes(const PlainCall& call) {
  DTypes types;
  for (const PlainTensor& t : call.outputs) types.push_back(t.dtype);
  return types;
}

gert::KernelExtendInfo NamesOf(const OpNode& node) {
  gert::KernelExtendInfo info;
  info.SetKernelName(node.desc->name.c_str());
  info.SetKernelType(node.desc->type.c_str());
  return info;
}

Status InferShape(Registry::InferShapeKernelFunc function, const OpNode& node, PlainCall& call) {
  const auto inputs = Present(node, call);
  BELAY_TRY(NodeInfo info, NodeInfo::Make(node));
  info = info.With(TypesOf(inputs), OutputTypes(call));
  const gert::KernelExtendInfo names = NamesOf(node);
  RunContext context(info.get(), &names, inputs.size(), call.outputs.size());
  std::vector<gert::Tensor> tensors;
  for (const PlainTensor* t : inputs) {
    void* data = t->value ? const_cast<void*>(t->value->data()) : nullptr;
    BELAY_RETURN_IF_ERROR(AddTensor(t->dims, t->dtype, data, &tensors));
  }
  // A tensor begins with its shape, so both accessors find theirs.
  for (size_t i = 0; i < tensors.size(); ++i) context.Point(i, &tensors[i]);
  std::vector<gert::Shape> shapes(call.outputs.size());
  for (size_t k = 0; k < shapes.size(); ++k) context.Point(inputs.size() + k, &shapes[k]);
  BELAY_RETURN_IF_ERROR(CallForeign("the shape inference of " + node.desc->type, [&] {
    return function(context.as<gert::InferShapeContext>());
  }));
  for (size_t k = 0; k < shapes.size(); ++k) {
    std::vector<int64_t>& dims = call.outputs[k].dims;
    dims.clear();
    if (shapes[k].GetDimNum() > gert::Shape::kMaxDimNum) {
      return InvalidArgument("the shape inference of {} gives output {} rank {}", node.desc->type, k,
                             shapes[k].GetDimNum());
    }
    for (size_t d = 0; d < shapes[k].GetDimNum(); ++d) dims.push_back(shapes[k].GetDim(d));
  }
  return OkStatus();
}

Status InferType(Registry::InferDataTypeKernelFunc function, const OpNode& node, PlainCall& call) {
  const auto inputs = Present(node, call);
  BELAY_TRY(NodeInfo info, NodeInfo::Make(node));
  info = info.With(TypesOf(inputs), OutputTypes(call));
  const gert::KernelExtendInfo names = NamesOf(node);
  RunContext context(info.get(), &names, inputs.size(), call.outputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) context.Put(i, FromDType(inputs[i]->dtype));
  for (size_t k = 0; k < call.outputs.size(); ++k) {
    context.Put(inputs.size() + k, FromDType(call.outputs[k].dtype));
  }
  BELAY_RETURN_IF_ERROR(CallForeign("the data type inference of " + node.desc->type, [&] {
    return function(context.as<gert::InferDataTypeContext>());
  }));
  for (size_t k = 0; k < call.outputs.size(); ++k) {
    const auto type = context.Get<ge::DataType>(inputs.size() + k);
    call.outputs[k].dtype = ToDType(type).value_or(DType::kUndefined);
  }
  return OkStatus();
}

DTypes BufferTypes(const std::vector<PlainBuffer>& buffers) {
  DTypes types;
  for (const PlainBuffer& b : buffers) types.push_back(b.dtype);
  return types;
}

Status Execute(Registry::OpExecuteFunc function, const OpNode& node, const NodeInfo& bare,
               const std::vector<PlainBuffer>& inputs, const std::vector<PlainBuffer>& outputs) {
  using Extra = gert::OpExecuteInputExtendIndex;
  const NodeInfo info = bare.With(BufferTypes(inputs), BufferTypes(outputs));
  const gert::KernelExtendInfo names = NamesOf(node);
  const size_t count = inputs.size() + outputs.size();
  RunContext context(info.get(), &names, count + static_cast<size_t>(Extra::kNum),
                     static_cast<size_t>(gert::OpExecuteOutputIndex::kNum));
  std::vector<gert::Tensor> tensors;
  for (const auto* list : {&inputs, &outputs}) {
    for (const PlainBuffer& b : *list) BELAY_RETURN_IF_ERROR(AddTensor(b.dims, b.dtype, b.data, &tensors));
  }
  for (size_t i = 0; i < count; ++i) context.Point(i, &tensors[i]);
  gert::HostWorkspace workspace;
  gert::OpExecuteOptions options{};
  options.deterministic = 1;
  options.allow_hf32[0] = options.allow_hf32[1] = '0';
  auto put = [&](Extra extra, const void* value) { context.Point(count + static_cast<size_t>(extra), value); };
  put(Extra::kAllocate, &workspace);
  put(Extra::kStream, nullptr);
  put(Extra::kExecuteOption, &options);
  put(Extra::kExecuteFunc, reinterpret_cast<const void*>(function));
  return CallForeign("the kernel", [&] { return function(context.as<gert::OpExecuteContext>()); });
}

}  // namespace

decltype(OpImpl::infer_shape) FromGert(Registry::InferShapeKernelFunc function) {
  return [function](const OpNode& node, PlainCall& call) { return InferShape(function, node, call); };
}
decltype(OpImpl::infer_type) FromGert(Registry::InferDataTypeKernelFunc function) {
  return [function](const OpNode& node, PlainCall& call) { return InferType(function, node, call); };
}
decltype(OpImpl::compute) FromGert(Registry::OpExecuteFunc function) {
  return [function](const OpNode& node) -> Result<decltype(CustomOp::compute)> {
    BELAY_TRY(NodeInfo info, NodeInfo::Make(node));
    return decltype(CustomOp::compute)(
        [function, node, info](const std::vector<PlainBuffer>& inputs, const std::vector<PlainBuffer>& outputs) {
          return Execute(function, node, info, inputs, outputs);
        });
  };
}

}  // namespace belay
