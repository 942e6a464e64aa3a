#include "register/op_impl_registry.h"

#include <string>

#include "api/register/gert_functions.h"
#include "base/log.h"

namespace gert {

// What a chain of setters is about: each registers at once.
class OpImplRegisterV2Impl {
 public:
  std::string type;
};

namespace {

using belay::ChangeOpImpl;
using belay::OpImpl;

// The first function of a kind stays.
template <typename Slot, typename Fn>
void Set(const OpImplRegisterV2Impl& impl, Slot OpImpl::*slot, Fn function, const char* what) {
  if (function == nullptr || impl.type.empty()) return;
  ChangeOpImpl(impl.type, [&](OpImpl& registered) {
    if (registered.*slot) {
      BELAY_LOG(Warning, "operator {} has a registered {} already: the first stays", impl.type, what);
      return;
    }
    registered.*slot = belay::FromGert(function);
  });
}

void AddAttr(const OpImplRegisterV2Impl& impl, const ge::char_t* name, ge::AttrData value) {
  if (name == nullptr || impl.type.empty()) return;
  ChangeOpImpl(impl.type, [&](OpImpl& registered) {
    for (const auto& [known, other] : registered.private_attrs) {
      if (known == name) return;
    }
    registered.private_attrs.emplace_back(name, std::move(value));
  });
}

}  // namespace

OpImplRegisterV2::OpImplRegisterV2(const ge::char_t* op_type) : impl_(new OpImplRegisterV2Impl()) {
  if (op_type == nullptr || *op_type == '\0') return;
  impl_->type = op_type;
  ChangeOpImpl(impl_->type, [](OpImpl&) {});  // known from now on
}
OpImplRegisterV2::OpImplRegisterV2(OpImplRegisterV2&& register_data) noexcept = default;
OpImplRegisterV2::OpImplRegisterV2(const OpImplRegisterV2& register_data)
    : impl_(new OpImplRegisterV2Impl(*register_data.impl_)) {}
OpImplRegisterV2::~OpImplRegisterV2() = default;

OpImplRegisterV2& OpImplRegisterV2::InferShape(InferShapeKernelFunc infer_shape_func) {
  Set(*impl_, &OpImpl::infer_shape, infer_shape_func, "shape inference");
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::InferDataType(InferDataTypeKernelFunc infer_datatype_func) {
  Set(*impl_, &OpImpl::infer_type, infer_datatype_func, "data type inference");
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::OpExecuteFunc(OpExecFunc op_execute_func) {
  Set(*impl_, &OpImpl::compute, op_execute_func, "kernel");
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::InputsDataDependency(std::initializer_list<int32_t> inputs) {
  if (impl_->type.empty()) return *this;
  ChangeOpImpl(impl_->type, [&](OpImpl& registered) {
    registered.reads_values.insert(registered.reads_values.end(), inputs.begin(), inputs.end());
  });
  return *this;
}

OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr) {
  AddAttr(*impl_, private_attr, ge::AttrData());
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr, int64_t private_attr_val) {
  AddAttr(*impl_, private_attr, private_attr_val);
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr,
                                                const std::vector<int64_t>& private_attr_val) {
  AddAttr(*impl_, private_attr, private_attr_val);
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr, const ge::char_t* private_attr_val) {
  if (private_attr_val != nullptr) AddAttr(*impl_, private_attr, std::string(private_attr_val));
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr, ge::float32_t private_attr_val) {
  AddAttr(*impl_, private_attr, private_attr_val);
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr, bool private_attr_val) {
  AddAttr(*impl_, private_attr, private_attr_val);
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::PrivateAttr(const ge::char_t* private_attr,
                                                const std::vector<ge::float32_t>& private_attr_val) {
  AddAttr(*impl_, private_attr, private_attr_val);
  return *this;
}

// For device kernels, of which there are none.
OpImplRegisterV2& OpImplRegisterV2::InferShapeRange(InferShapeRangeKernelFunc) { return *this; }
OpImplRegisterV2& OpImplRegisterV2::Tiling(TilingKernelFunc, size_t) { return *this; }
OpImplRegisterV2& OpImplRegisterV2::GenSimplifiedKey(GenSimplifiedKeyKernelFunc) { return *this; }
OpImplRegisterV2& OpImplRegisterV2::TilingParse(KernelFunc, CompileInfoCreatorFunc, CompileInfoDeleterFunc) {
  return *this;
}
OpImplRegisterV2& OpImplRegisterV2::HostInputs(std::initializer_list<int32_t>) { return *this; }
OpImplRegisterV2& OpImplRegisterV2::TilingInputsDataDependency(std::initializer_list<int32_t>) { return *this; }

}  // namespace gert
