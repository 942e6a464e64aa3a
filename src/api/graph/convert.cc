#include "api/graph/convert.h"

#include "api/graph/tensor_impl.h"
#include "base/texts.h"

namespace belay {

std::optional<DType> ToDType(ge::DataType type) {
  const uint32_t number = type;
  const bool known = number <= 4 || (number >= 6 && number <= 13) || number == 16 || number == 17 || number == 23 ||
                     (number >= 27 && number <= 41) || (number >= 64 && number <= 66);
  if (!known) return std::nullopt;
  return static_cast<DType>(number);
}

ge::DataType FromDType(DType dtype) { return static_cast<ge::DataType>(dtype); }

Result<LiteralPtr> ToLiteral(const ge::Tensor& tensor) {
  const std::shared_ptr<ge::TensorImpl>& impl = ge::TensorAdapter::Impl(tensor);
  auto literal = std::make_shared<Literal>();
  const ge::DataType type = impl->desc.GetDataType();
  const std::optional<DType> dtype = ToDType(type);
  if (!dtype || *dtype == DType::kUndefined || *dtype == DType::kResource) {
    return NotSupported("a constant of ge::DataType {}", static_cast<uint32_t>(type));
  }
  literal->dtype = *dtype;
  literal->dims = impl->desc.GetShape().GetDims();
  int64_t count = 1;
  for (int64_t dim : literal->dims) {
    if (dim < 0) return InvalidArgument("a constant has the unknown extent {}", dim);
    if (__builtin_mul_overflow(count, dim, &count)) {
      return InvalidArgument("the extents of a constant overflow");
    }
  }
  if (*dtype == DType::kString) {
    std::vector<std::string_view> texts;
    if (!UnpackTexts(impl->data(), impl->size(), count, &texts)) {
      return InvalidArgument("the {} bytes of a string constant do not hold {} strings", impl->size(),
                             count);
    }
    literal->strings = std::make_shared<std::vector<std::string>>(texts.begin(), texts.end());
    return LiteralPtr(literal);
  }
  int64_t bits = 0;
  const bool overflows = __builtin_mul_overflow(count, int64_t{BitWidth(*dtype)}, &bits);
  const int64_t need = overflows ? -1 : ByteSize(*dtype, count);
  if (need < 0 || impl->size() < static_cast<size_t>(need)) {
    return InvalidArgument("a constant has {} bytes of data, but its description needs {}",
                           impl->size(), need);
  }
  if (impl->buffer != nullptr && impl->size() == static_cast<size_t>(need)) literal->late = impl->buffer->late();
  if (literal->late != nullptr) return LiteralPtr(literal);
  literal->owner = impl->buffer;
  literal->address = count == 0 ? nullptr : impl->data();
  return LiteralPtr(literal);
}

ge::Tensor FromLiteral(const Literal& literal) {
  ge::TensorDesc desc(ge::Shape(literal.dims), ge::FORMAT_ND, FromDType(literal.dtype));
  ge::Tensor tensor(desc);
  if (literal.strings != nullptr) {
    const std::vector<std::string>& texts = *literal.strings;
    if (!texts.empty()) (void)tensor.SetData(PackTexts({texts.begin(), texts.end()}));
  } else if (literal.late != nullptr) {
    const auto bytes = static_cast<size_t>(literal.ByteSize());
    ge::TensorAdapter::Impl(tensor)->buffer = std::make_shared<ge::TensorBuffer>(literal.late, bytes);
  } else if (literal.address != nullptr) {
    std::shared_ptr<const void> owner = literal.owner;
    (void)tensor.SetData(const_cast<uint8_t*>(literal.as<uint8_t>()),
                         static_cast<size_t>(literal.ByteSize()), [owner](uint8_t*) {});
  }
  return tensor;
}

namespace {

Result<DType> TypeAttr(ge::DataType type) {
  const std::optional<DType> dtype = ToDType(type);
  if (!dtype) return NotSupported("ge::DataType {}", static_cast<uint32_t>(type));
  return *dtype;
}

struct ModelAttrMaker {
  using R = Result<AttrValue>;
  R operator()(std::monostate) const { return AttrValue(); }
  R operator()(int64_t v) const { return AttrValue(v); }
  R operator()(float v) const { return AttrValue(static_cast<double>(v)); }
  R operator()(bool v) const { return AttrValue(v); }
  R operator()(const std::string& v) const { return AttrValue(v); }
  R operator()(ge::DataType v) const {
    BELAY_TRY(DType dtype, TypeAttr(v));
    return AttrValue(dtype);
  }
  R operator()(const ge::Tensor& v) const {
    BELAY_TRY(LiteralPtr literal, ToLiteral(v));
    return AttrValue(std::move(literal));
  }
  R operator()(const std::vector<float>& v) const {
    return AttrValue(std::vector<double>(v.begin(), v.end()));
  }
  R operator()(const std::vector<ge::DataType>& v) const {
    std::vector<DType> types;
    for (ge::DataType type : v) {
      BELAY_TRY(DType dtype, TypeAttr(type));
      types.push_back(dtype);
    }
    return AttrValue(std::move(types));
  }
  R operator()(const std::vector<ge::Tensor>& v) const {
    std::vector<LiteralPtr> literals;
    for (const ge::Tensor& tensor : v) {
      BELAY_TRY(LiteralPtr literal, ToLiteral(tensor));
      literals.push_back(std::move(literal));
    }
    return AttrValue(std::move(literals));
  }
  R operator()(const ge::NamedAttrs&) const { return NotSupported("attributes of type NamedAttrs"); }
  R operator()(const std::vector<ge::NamedAttrs>&) const {
    return NotSupported("attributes of type ListNamedAttrs");
  }
  template <typename T>
  R operator()(const std::vector<T>& v) const {
    return AttrValue(v);
  }
};

struct AttrDataMaker {
  ge::AttrData operator()(double v) const { return static_cast<float>(v); }
  ge::AttrData operator()(DType v) const { return FromDType(v); }
  ge::AttrData operator()(const LiteralPtr& v) const { return FromLiteral(*v); }
  ge::AttrData operator()(const std::vector<double>& v) const {
    return std::vector<float>(v.begin(), v.end());
  }
  ge::AttrData operator()(const std::vector<DType>& v) const {
    std::vector<ge::DataType> types;
    for (DType dtype : v) types.push_back(FromDType(dtype));
    return types;
  }
  ge::AttrData operator()(const std::vector<LiteralPtr>& v) const {
    std::vector<ge::Tensor> tensors;
    for (const LiteralPtr& literal : v) tensors.push_back(FromLiteral(*literal));
    return tensors;
  }
  template <typename T>
  ge::AttrData operator()(const T& v) const {
    return v;
  }
};

}  // namespace

Result<AttrValue> ToModelAttr(const ge::AttrData& data) { return std::visit(ModelAttrMaker(), data); }
ge::AttrData FromModelAttr(const AttrValue& value) { return std::visit(AttrDataMaker(), value); }

}  // namespace belay
