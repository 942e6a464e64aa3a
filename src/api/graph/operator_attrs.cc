// Operator: attributes of the operator and of its ports, inference and verification.
#include "api/graph/op_desc.h"
#include "api/graph/operator_factory_impl.h"
#include "api/graph/operator_impl.h"
#include "base/log.h"
#include "graph/operator.h"

namespace ge {
namespace {

void Put(const OperatorImplPtr& impl, const char* name, AttrData data) {
  if (impl == nullptr || name == nullptr) return;
  impl->desc->attrs[name] = std::move(data);
}

template <typename T>
graphStatus Take(const OperatorImplPtr& impl, const char* name, T* value) {
  if (impl == nullptr || name == nullptr) return GRAPH_FAILED;
  const AttrData* data = impl->desc->FindAttr(name);
  return data != nullptr && FromAttr(*data, value) ? GRAPH_SUCCESS : GRAPH_FAILED;
}

void Declare(const OperatorImplPtr& impl, const char* name, AttrData data) {
  if (impl == nullptr || name == nullptr) return;
  impl->desc->DeclareAttr(name, "", std::move(data));
}

void PutOn(Port* port, const char* name, AttrData data) {
  if (port != nullptr && name != nullptr) port->attrs[name] = std::move(data);
}

template <typename T>
graphStatus TakeFrom(const Port* port, const char* name, T* value) {
  if (port == nullptr || name == nullptr) return GRAPH_FAILED;
  auto it = port->attrs.find(name);
  return it != port->attrs.end() && FromAttr(it->second, value) ? GRAPH_SUCCESS : GRAPH_FAILED;
}

Port* PortAt(const OperatorImplPtr& impl, Ports OpDesc::*side, int32_t index) {
  return impl == nullptr ? nullptr : ((*impl->desc).*side).At(index);
}
Port* PortAt(const OperatorImplPtr& impl, Ports OpDesc::*side, const char* name) {
  return impl == nullptr || name == nullptr ? nullptr : ((*impl->desc).*side).Get(name);
}

}  // namespace

#define BELAY_SET_ATTR(Type)                                          \
  Operator& Operator::SetAttr(const char* name, Type attr_value) {    \
    Put(operator_impl_, name, ToAttr(attr_value));                    \
    return *this;                                                     \
  }
#define BELAY_GET_ATTR(Type)                                                    \
  graphStatus Operator::GetAttr(const char* name, Type& attr_value) const {     \
    return Take(operator_impl_, name, &attr_value);                             \
  }
#define BELAY_ATTR_REGISTER(Type)                                       \
  void Operator::AttrRegister(const char* name, Type attr_value) {      \
    Declare(operator_impl_, name, ToAttr(attr_value));                  \
  }
#define BELAY_SCALAR_ATTR(Type) BELAY_SET_ATTR(Type) BELAY_GET_ATTR(Type)
#define BELAY_OBJECT_ATTR(Type) BELAY_SET_ATTR(const Type&) BELAY_GET_ATTR(Type)

BELAY_SCALAR_ATTR(int64_t)
BELAY_SCALAR_ATTR(int32_t)
BELAY_SCALAR_ATTR(uint32_t)
BELAY_SCALAR_ATTR(float)
BELAY_SCALAR_ATTR(bool)
BELAY_OBJECT_ATTR(AscendString)
BELAY_OBJECT_ATTR(AttrValue)
BELAY_OBJECT_ATTR(Tensor)
BELAY_OBJECT_ATTR(DataType)
BELAY_OBJECT_ATTR(NamedAttrs)
BELAY_OBJECT_ATTR(OpBytes)
BELAY_OBJECT_ATTR(std::vector<int64_t>)
BELAY_OBJECT_ATTR(std::vector<int32_t>)
BELAY_OBJECT_ATTR(std::vector<uint32_t>)
BELAY_OBJECT_ATTR(std::vector<float>)
BELAY_OBJECT_ATTR(std::vector<bool>)
BELAY_OBJECT_ATTR(std::vector<AscendString>)
BELAY_OBJECT_ATTR(std::vector<Tensor>)
BELAY_OBJECT_ATTR(std::vector<DataType>)
BELAY_OBJECT_ATTR(std::vector<NamedAttrs>)
BELAY_OBJECT_ATTR(std::vector<std::vector<int64_t>>)

Operator& Operator::SetAttr(const char* name, const char* attr_value) {
  if (attr_value != nullptr) Put(operator_impl_, name, ToAttr(attr_value));
  return *this;
}
Operator& Operator::SetAttr(const char* name, AttrValue&& attr_value) {
  Put(operator_impl_, name, ToAttr(attr_value));
  return *this;
}
Operator& Operator::SetAttr(const char* name, std::initializer_list<int64_t>&& attr_value) {
  Put(operator_impl_, name, AttrData(std::vector<int64_t>(attr_value)));
  return *this;
}

BELAY_ATTR_REGISTER(float)
BELAY_ATTR_REGISTER(int64_t)
BELAY_ATTR_REGISTER(bool)
BELAY_ATTR_REGISTER(const std::vector<float>&)
BELAY_ATTR_REGISTER(const std::vector<int64_t>&)
BELAY_ATTR_REGISTER(const std::vector<bool>&)
BELAY_ATTR_REGISTER(const Tensor&)
BELAY_ATTR_REGISTER(const std::vector<Tensor>&)
BELAY_ATTR_REGISTER(const OpBytes&)
BELAY_ATTR_REGISTER(const std::vector<std::vector<int64_t>>&)
BELAY_ATTR_REGISTER(const std::vector<DataType>&)
BELAY_ATTR_REGISTER(const DataType&)
BELAY_ATTR_REGISTER(const NamedAttrs&)
BELAY_ATTR_REGISTER(const std::vector<NamedAttrs>&)
BELAY_ATTR_REGISTER(const AscendString&)
BELAY_ATTR_REGISTER(const std::vector<AscendString>&)
void Operator::AttrRegister(const char* name, const char* attr_value) {
  if (attr_value != nullptr) Declare(operator_impl_, name, ToAttr(attr_value));
}
void Operator::RequiredAttrRegister(const char* name) { RequiredAttrWithTypeRegister(name, ""); }
void Operator::RequiredAttrWithTypeRegister(const char* name, const char* type) {
  if (operator_impl_ == nullptr || name == nullptr || type == nullptr) return;
  operator_impl_->desc->DeclareAttr(name, type, AttrData());
}

#define BELAY_PORT_SET_ATTR(Side, side, Key, Type)                                          \
  Operator& Operator::Set##Side##Attr(Key key, const char* name, Type attr_value) {         \
    PutOn(PortAt(operator_impl_, &OpDesc::side, key), name, ToAttr(attr_value));            \
    return *this;                                                                           \
  }
#define BELAY_PORT_GET_ATTR(Side, side, Key, Type)                                                \
  graphStatus Operator::Get##Side##Attr(Key key, const char* name, Type& attr_value) const {      \
    return TakeFrom(PortAt(operator_impl_, &OpDesc::side, key), name, &attr_value);               \
  }
#define BELAY_PORT_ATTR(Type, Param)                            \
  BELAY_PORT_SET_ATTR(Input, inputs, const int32_t, Param)      \
  BELAY_PORT_SET_ATTR(Input, inputs, const char*, Param)        \
  BELAY_PORT_SET_ATTR(Output, outputs, const int32_t, Param)    \
  BELAY_PORT_SET_ATTR(Output, outputs, const char*, Param)      \
  BELAY_PORT_GET_ATTR(Input, inputs, const int32_t, Type)       \
  BELAY_PORT_GET_ATTR(Input, inputs, const char*, Type)         \
  BELAY_PORT_GET_ATTR(Output, outputs, const int32_t, Type)     \
  BELAY_PORT_GET_ATTR(Output, outputs, const char*, Type)

BELAY_PORT_ATTR(int64_t, int64_t)
BELAY_PORT_ATTR(int32_t, int32_t)
BELAY_PORT_ATTR(uint32_t, uint32_t)
BELAY_PORT_ATTR(bool, bool)
BELAY_PORT_ATTR(float, float)
BELAY_PORT_ATTR(AscendString, const AscendString&)
BELAY_PORT_ATTR(std::vector<AscendString>, const std::vector<AscendString>&)
BELAY_PORT_ATTR(std::vector<int64_t>, const std::vector<int64_t>&)
BELAY_PORT_ATTR(std::vector<int32_t>, const std::vector<int32_t>&)
BELAY_PORT_ATTR(std::vector<uint32_t>, const std::vector<uint32_t>&)
BELAY_PORT_ATTR(std::vector<bool>, const std::vector<bool>&)
BELAY_PORT_ATTR(std::vector<float>, const std::vector<float>&)
Operator& Operator::SetInputAttr(const int32_t index, const char* name, const char* attr_value) {
  return SetInputAttr(index, name, AscendString(attr_value));
}
Operator& Operator::SetInputAttr(const char* dst_name, const char* name, const char* attr_value) {
  return SetInputAttr(dst_name, name, AscendString(attr_value));
}
Operator& Operator::SetOutputAttr(const int32_t index, const char* name, const char* attr_value) {
  return SetOutputAttr(index, name, AscendString(attr_value));
}
Operator& Operator::SetOutputAttr(const char* dst_name, const char* name, const char* attr_value) {
  return SetOutputAttr(dst_name, name, AscendString(attr_value));
}

graphStatus Operator::GetAllAttrNamesAndTypes(
    std::map<AscendString, AscendString>& attr_name_types) const {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  for (const IrAttr& attr : operator_impl_->desc->ir_attrs) {
    const char* kind = AttrKindText(attr.default_value);
    if (*kind != '\0') attr_name_types[AscendString(attr.name.c_str())] = AscendString(kind);
  }
  for (const auto& [name, data] : operator_impl_->desc->attrs) {
    attr_name_types[AscendString(name.c_str())] = AscendString(AttrKindText(data));
  }
  return GRAPH_SUCCESS;
}

graphStatus Operator::GetAllIrAttrNamesAndTypes(
    std::map<AscendString, AscendString>& attr_name_types) const {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  for (const IrAttr& attr : operator_impl_->desc->ir_attrs) {
    const char* kind = AttrKindText(attr.default_value);
    attr_name_types[AscendString(attr.name.c_str())] =
        AscendString(*kind != '\0' ? kind : attr.type.c_str());
  }
  return GRAPH_SUCCESS;
}

void Operator::SetInferenceContext(const InferenceContextPtr& inference_context) {
  if (operator_impl_ != nullptr) operator_impl_->inference_context = inference_context;
}
InferenceContextPtr Operator::GetInferenceContext() const {
  return operator_impl_ == nullptr ? nullptr : operator_impl_->inference_context;
}
void Operator::InferFuncRegister(const std::function<graphStatus(Operator&)>& func) {
  if (operator_impl_ != nullptr) operator_impl_->infer_func = func;
}
void Operator::VerifierFuncRegister(const std::function<graphStatus(Operator&)>& func) {
  if (operator_impl_ != nullptr) operator_impl_->verify_func = func;
}
void Operator::InferFormatFuncRegister(const std::function<graphStatus(Operator&)>& func) {
  if (operator_impl_ != nullptr) operator_impl_->infer_format_func = func;
}

graphStatus Operator::VerifyAll() {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  VerifyFunc verify = operator_impl_->verify_func;
  if (!verify) verify = RegisteredVerifier(operator_impl_->desc->type);
  return verify ? verify(*this) : GRAPH_SUCCESS;
}
graphStatus Operator::VerifyAllAttr(bool disable_common_verifier) {
  if (operator_impl_ == nullptr) return GRAPH_FAILED;
  const OpDesc& desc = *operator_impl_->desc;
  for (const IrAttr& attr : desc.ir_attrs) {
    if (disable_common_verifier || desc.FindAttr(attr.name) != nullptr) continue;
    BELAY_LOG(Error, "operator '{}' ({}) lacks its required attribute '{}'", desc.name, desc.type,
              attr.name);
    return GRAPH_FAILED;
  }
  return VerifyAll();
}
graphStatus Operator::InferShapeAndType() {
  if (operator_impl_ == nullptr || VerifyAll() != GRAPH_SUCCESS) return GRAPH_FAILED;
  InferShapeFunc infer = operator_impl_->infer_func;
  if (!infer) infer = RegisteredInference(operator_impl_->desc->type);
  if (infer) return infer(*this);
  BELAY_LOG(Error, "operator '{}': no inference function is registered for {}",
            operator_impl_->desc->name, operator_impl_->desc->type);
  return GRAPH_FAILED;
}

}  // namespace ge
