#include "api/graph/classic_inference.h"

#include "api/graph/convert.h"
#include "api/graph/operator_factory_impl.h"
#include "api/graph/operator_impl.h"

namespace belay {
namespace {

ge::TensorDesc DescOf(const PlainTensor& t, const ge::TensorDesc& like) {
  ge::TensorDesc desc = like;
  desc.Update(ge::Shape(t.dims), like.GetFormat(), FromDType(t.dtype));
  desc.SetOriginShape(ge::Shape(t.dims));
  return desc;
}

// A constant in front of the input, so that GetInputConstData finds it.
ge::OperatorImplPtr LinkConstant(ge::OperatorImpl* to, ge::Port* port, const Literal& value) {
  auto desc = std::make_shared<ge::OpDesc>();
  desc->type = "Const";
  desc->name = to->desc->name + "/" + port->name;
  desc->outputs.Declare("y", PortKind::kRequired);
  desc->attrs["value"] = FromLiteral(value);
  ge::OperatorImplPtr constant = ge::OperatorImpl::Create(std::move(desc));
  to->LinkInput(port, constant.get(), constant->desc->outputs.At(0));
  return constant;
}

}  // namespace

bool HasClassicInference(const std::string& type) { return ge::RegisteredInference(type) != nullptr; }

Status RunClassicInference(const OpNode& node, PlainCall& call) {
  ge::OperatorImplPtr impl = ge::OperatorImpl::Create(node.desc->Clone());
  const auto& inputs = impl->desc->inputs.instances;
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i]->desc_set = node.there[i];
    if (!node.there[i]) continue;
    inputs[i]->desc = DescOf(call.inputs[i], inputs[i]->desc);
    if (call.inputs[i].value) LinkConstant(impl.get(), inputs[i].get(), *call.inputs[i].value);
  }
  ge::Operator op = ge::OperatorImpl::MakeOperator(impl);
  const std::string& type = node.desc->type;
  if (ge::VerifyFunc verify = ge::RegisteredVerifier(type)) {
    BELAY_RETURN_IF_ERROR(CallForeign("the verification function of " + type, [&] { return verify(op); }));
  }
  const ge::InferShapeFunc infer = ge::RegisteredInference(type);
  Status status = CallForeign("the inference function of " + type, [&] { return infer(op); });
  for (int input : impl->missed_values) {
    if (node.there[input]) call.missed.push_back(input);
  }
  BELAY_RETURN_IF_ERROR(std::move(status));
  const auto& outputs = impl->desc->outputs.instances;
  for (size_t k = 0; k < outputs.size(); ++k) {
    call.outputs[k].dims = outputs[k]->desc.GetShape().GetDims();
    if (!outputs[k]->desc_set) continue;
    call.outputs[k].dtype = ToDType(outputs[k]->desc.GetDataType()).value_or(DType::kUndefined);
  }
  return OkStatus();
}

}  // namespace belay
