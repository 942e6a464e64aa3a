#ifndef GRAPH_OPERATOR_REG_H_
#define GRAPH_OPERATOR_REG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/graph.h"
#include "graph/operator.h"
#include "graph/operator_factory.h"
#include "graph/tensor.h"
#include "graph/types.h"

// REG_OP(T) .INPUT(...) ... .OP_END_FACTORY_REG(T) makes class ge::op::T. Each item closes the
// private member function that the one before opened, adds its accessors, and opens the next: the
// functions call each other in order, which is how a constructor declares the whole prototype.
namespace ge {

// What the leading dots of the items apply to.
class OpReg {
 public:
  OpReg& N() { return *this; }
  OpReg& ATTR() { return *this; }
  OpReg& REQUIRED_ATTR() { return *this; }
  OpReg& INPUT() { return *this; }
  OpReg& OPTIONAL_INPUT() { return *this; }
  OpReg& OUTPUT() { return *this; }
  OpReg& GRAPH() { return *this; }
  OpReg& DYNAMIC_GRAPH() { return *this; }
  OpReg& INFER_SHAPE_AND_TYPE() { return *this; }
};

graphStatus BroadCastInfer(const std::function<std::vector<int64_t>()>& get_in1_shape,
                           const std::function<std::vector<int64_t>()>& get_in2_shape,
                           const std::function<void(const std::vector<int64_t>&)>& set_out);

namespace op_reg {

// The value an attribute is registered with: strings cross the library boundary as AscendString.
template <typename T>
const T& ForRegister(const T& value) {
  return value;
}
inline AscendString ForRegister(const std::string& value) { return AscendString(value.c_str()); }
inline std::vector<AscendString> ForRegister(const std::vector<std::string>& values) {
  std::vector<AscendString> converted;
  converted.reserve(values.size());
  for (const std::string& value : values) converted.emplace_back(value.c_str());
  return converted;
}

template <typename T>
graphStatus Get(const Operator& op, const char* name, T& value) {
  return op.GetAttr(name, value);
}
inline graphStatus Get(const Operator& op, const char* name, std::string& value) {
  AscendString text;
  const graphStatus status = op.GetAttr(name, text);
  if (status == GRAPH_SUCCESS) value.assign(text.GetString(), text.GetLength());
  return status;
}
inline graphStatus Get(const Operator& op, const char* name, std::vector<std::string>& values) {
  std::vector<AscendString> texts;
  const graphStatus status = op.GetAttr(name, texts);
  if (status != GRAPH_SUCCESS) return status;
  values.clear();
  for (const AscendString& text : texts) values.emplace_back(text.GetString(), text.GetLength());
  return status;
}

template <typename T>
void Set(Operator& op, const char* name, const T& value) {
  (void)op.SetAttr(name, value);
}
inline void Set(Operator& op, const char* name, const std::string& value) {
  (void)op.SetAttr(name, AscendString(value.c_str(), value.size()));
}
inline void Set(Operator& op, const char* name, const std::vector<std::string>& values) {
  (void)op.SetAttr(name, ForRegister(values));
}

template <typename T>
T ValueInitialised() {
  return T();
}

}  // namespace op_reg
}  // namespace ge

#define GE_REG_OP_NAMES_(kind, x)                                                                  \
  static const std::string name_##kind##_##x() { return #x; }                                      \
  static void name_##kind##_##x(ge::AscendString& name) { name = ge::AscendString(#x); }

#define REG_OP(x)                                                                                  \
  namespace op {                                                                                   \
  class x : public ge::Operator {                                                                  \
    typedef x _THIS_TYPE;                                                                          \
                                                                                                   \
   public:                                                                                         \
    explicit x(const std::string& name) : Operator(name.c_str(), #x) { belay_op_(); }              \
    explicit x(const char* name) : Operator(name, #x) { belay_op_(); }                             \
    explicit x(const ge::AscendString& name) : Operator(name, #x) { belay_op_(); }                 \
    x() : Operator(#x) { belay_op_(); }                                                            \
                                                                                                   \
   private:                                                                                        \
    void belay_op_() {                                                                             \
      ge::OpReg()

#define GE_REG_OP_CLOSE_(next)                                                                     \
  N();                                                                                             \
  next;                                                                                            \
  }                                                                                                \
                                                                                                   \
 public:

#define GE_REG_OP_OPEN_(function, statement)                                                       \
 private:                                                                                          \
  void function() {                                                                                \
    statement;                                                                                     \
    ge::OpReg()

#define GE_REG_OP_INPUT_(x, function, statement)                                                   \
  GE_REG_OP_CLOSE_(function())                                                                     \
  GE_REG_OP_NAMES_(in, x)                                                                          \
  _THIS_TYPE& set_input_##x(ge::Operator& v, const std::string& srcName) {                         \
    Operator::SetInput(#x, v, srcName.c_str());                                                    \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_input_##x##_by_name(ge::Operator& v, const char* srcName) {                      \
    Operator::SetInput(#x, v, srcName);                                                            \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_input_##x(ge::Operator& v, uint32_t index) {                                     \
    Operator::SetInput(#x, v, index);                                                              \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_input_##x(ge::Operator& v) {                                                     \
    Operator::SetInput(#x, v);                                                                     \
    return *this;                                                                                  \
  }                                                                                                \
  ge::TensorDesc get_input_desc_##x() const { return Operator::GetInputDescByName(#x); }           \
  ge::graphStatus update_input_desc_##x(const ge::TensorDesc& tensorDesc) {                        \
    return Operator::UpdateInputDesc(#x, tensorDesc);                                              \
  }                                                                                                \
  GE_REG_OP_OPEN_(function, statement)

#define INPUT(x, t) GE_REG_OP_INPUT_(x, belay_in_##x, Operator::InputRegister(#x, #t))
#define OPTIONAL_INPUT(x, t)                                                                       \
  GE_REG_OP_INPUT_(x, belay_in_##x, Operator::OptionalInputRegister(#x, #t))

#define DYNAMIC_INPUT(x, t)                                                                        \
  GE_REG_OP_CLOSE_(belay_in_##x())                                                                 \
  _THIS_TYPE& create_dynamic_input_##x(uint32_t num, bool isPushBack = true) {                     \
    Operator::DynamicInputRegister(#x, num, #t, isPushBack);                                       \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& create_dynamic_input_byindex_##x(uint32_t num, size_t index) {                       \
    Operator::DynamicInputRegisterByIndex(#x, num, index);                                         \
    return *this;                                                                                  \
  }                                                                                                \
  ge::TensorDesc get_dynamic_input_desc_##x(uint32_t index) const {                                \
    return Operator::GetDynamicInputDesc(#x, index);                                               \
  }                                                                                                \
  ge::graphStatus update_dynamic_input_desc_##x(uint32_t index, const ge::TensorDesc& desc) {      \
    return Operator::UpdateDynamicInputDesc(#x, index, desc);                                      \
  }                                                                                                \
  _THIS_TYPE& set_dynamic_input_##x(uint32_t dstIndex, ge::Operator& v) {                          \
    Operator::SetInput(#x, dstIndex, v);                                                           \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_dynamic_input_##x(uint32_t dstIndex, ge::Operator& v,                            \
                                    const std::string& srcName) {                                  \
    Operator::SetInput(#x, dstIndex, v, srcName.c_str());                                          \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_dynamic_input_##x(uint32_t dstIndex, ge::Operator& v, const char* srcName) {     \
    Operator::SetInput(#x, dstIndex, v, srcName);                                                  \
    return *this;                                                                                  \
  }                                                                                                \
  GE_REG_OP_OPEN_(belay_in_##x, Operator::DynamicInputRegister(#x, 0U, #t, true))

#define OUTPUT(x, t)                                                                               \
  GE_REG_OP_CLOSE_(belay_out_##x())                                                                \
  GE_REG_OP_NAMES_(out, x)                                                                         \
  ge::TensorDesc get_output_desc_##x() const { return Operator::GetOutputDescByName(#x); }         \
  ge::graphStatus update_output_desc_##x(const ge::TensorDesc& tensorDesc) {                       \
    return Operator::UpdateOutputDesc(#x, tensorDesc);                                             \
  }                                                                                                \
  GE_REG_OP_OPEN_(belay_out_##x, Operator::OutputRegister(#x, #t))

#define DYNAMIC_OUTPUT(x, t)                                                                       \
  GE_REG_OP_CLOSE_(belay_out_##x())                                                                \
  _THIS_TYPE& create_dynamic_output_##x(uint32_t num, bool isPushBack = true) {                    \
    Operator::DynamicOutputRegister(#x, num, #t, isPushBack);                                      \
    return *this;                                                                                  \
  }                                                                                                \
  ge::TensorDesc get_dynamic_output_desc_##x(uint32_t index) const {                               \
    return Operator::GetDynamicOutputDesc(#x, index);                                              \
  }                                                                                                \
  ge::graphStatus update_dynamic_output_desc_##x(uint32_t index, const ge::TensorDesc& desc) {     \
    return Operator::UpdateDynamicOutputDesc(#x, index, desc);                                     \
  }                                                                                                \
  GE_REG_OP_OPEN_(belay_out_##x, Operator::DynamicOutputRegister(#x, 0U, #t, true))

// The accessors that strings have besides the common ones.
#define GE_REG_OP_STRING_String_(x)                                                                \
  ge::graphStatus get_attr_##x(ge::AscendString& val) const {                                      \
    return Operator::GetAttr(#x, val);                                                             \
  }                                                                                                \
  _THIS_TYPE& set_attr_##x(const char* v) {                                                        \
    (void)Operator::SetAttr(#x, v);                                                                \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_attr_##x(const std::function<ge::AscendString()>&) { return *this; }
#define GE_REG_OP_STRING_ListString_(x)                                                            \
  ge::graphStatus get_attr_##x(std::vector<ge::AscendString>& val) const {                         \
    return Operator::GetAttr(#x, val);                                                             \
  }                                                                                                \
  _THIS_TYPE& set_attr_##x(const std::vector<ge::AscendString>& v) {                               \
    (void)Operator::SetAttr(#x, v);                                                                \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_attr_##x(                                                                        \
      const std::function<std::vector<ge::AscendString>()>&) {                                     \
    return *this;                                                                                  \
  }
#define GE_REG_OP_STRING_AscendString_(x)                                                          \
  ge::graphStatus get_attr_##x(ge::AscendString& val) const {                                      \
    return Operator::GetAttr(#x, val);                                                             \
  }
#define GE_REG_OP_STRING_ListAscendString_(x)                                                      \
  ge::graphStatus get_attr_##x(std::vector<ge::AscendString>& val) const {                         \
    return Operator::GetAttr(#x, val);                                                             \
  }
#define GE_REG_OP_STRING_Int_(x)
#define GE_REG_OP_STRING_Float_(x)
#define GE_REG_OP_STRING_Bool_(x)
#define GE_REG_OP_STRING_Tensor_(x)
#define GE_REG_OP_STRING_Type_(x)
#define GE_REG_OP_STRING_NamedAttrs_(x)
#define GE_REG_OP_STRING_ListInt_(x)
#define GE_REG_OP_STRING_ListFloat_(x)
#define GE_REG_OP_STRING_ListBool_(x)
#define GE_REG_OP_STRING_ListTensor_(x)
#define GE_REG_OP_STRING_Bytes_(x)
#define GE_REG_OP_STRING_ListListInt_(x)
#define GE_REG_OP_STRING_ListType_(x)
#define GE_REG_OP_STRING_ListNamedAttrs_(x)

#define GE_REG_OP_ATTR_SETTERS_(x, Type)                                                           \
  GE_REG_OP_NAMES_(attr, x)                                                                        \
  GE_REG_OP_STRING_##Type##_(x)                                                                    \
  _THIS_TYPE& set_attr_##x(const Op##Type& v) {                                                    \
    ge::op_reg::Set(*this, #x, v);                                                                 \
    return *this;                                                                                  \
  }                                                                                                \
  _THIS_TYPE& set_attr_##x(const std::function<Op##Type()>&) { return *this; }

#define ATTR(x, Type, ...)                                                                         \
  GE_REG_OP_CLOSE_(belay_attr_##x())                                                               \
  GE_REG_OP_ATTR_SETTERS_(x, Type)                                                                 \
  Op##Type get_attr_##x() const {                                                                  \
    Op##Type belay_value = __VA_ARGS__;                                                            \
    (void)ge::op_reg::Get(*this, #x, belay_value);                                                 \
    return belay_value;                                                                            \
  }                                                                                                \
                                                                                                   \
 private:                                                                                          \
  void belay_attr_##x() {                                                                          \
    const Op##Type belay_value = __VA_ARGS__;                                                      \
    Operator::AttrRegister(#x, ge::op_reg::ForRegister(belay_value));                              \
    ge::OpReg()

#define REQUIRED_ATTR(x, Type)                                                                     \
  GE_REG_OP_CLOSE_(belay_attr_##x())                                                               \
  GE_REG_OP_ATTR_SETTERS_(x, Type)                                                                 \
  Op##Type get_attr_##x() const {                                                                  \
    Op##Type belay_value = ge::op_reg::ValueInitialised<Op##Type>();                               \
    if (ge::op_reg::Get(*this, #x, belay_value) != ge::GRAPH_SUCCESS) {                            \
      return ge::op_reg::ValueInitialised<Op##Type>();                                             \
    }                                                                                              \
    return belay_value;                                                                            \
  }                                                                                                \
  GE_REG_OP_OPEN_(belay_attr_##x, Operator::RequiredAttrWithTypeRegister(#x, #Type))

#define DATATYPE(x, t)                                                                             \
  GE_REG_OP_CLOSE_(belay_type_##x())                                                               \
  GE_REG_OP_OPEN_(belay_type_##x, Operator::DataTypeRegister(#x, t))

#define GRAPH(x)                                                                                   \
  GE_REG_OP_CLOSE_(belay_graph_##x())                                                              \
  GE_REG_OP_NAMES_(graph, x)                                                                       \
  ge::SubgraphBuilder get_subgraph_builder_##x() const {                                           \
    return Operator::GetSubgraphBuilder(#x);                                                       \
  }                                                                                                \
  _THIS_TYPE& set_subgraph_builder_##x(const ge::SubgraphBuilder& v) {                             \
    Operator::SetSubgraphBuilder(#x, 0U, v);                                                       \
    return *this;                                                                                  \
  }                                                                                                \
  ge::Graph get_subgraph_##x() const { return Operator::GetSubgraph(#x); }                         \
                                                                                                   \
 private:                                                                                          \
  void belay_graph_##x() {                                                                         \
    Operator::SubgraphRegister(#x, false);                                                         \
    Operator::SubgraphCountRegister(#x, 1U);                                                       \
    ge::OpReg()

#define DYNAMIC_GRAPH(x)                                                                           \
  GE_REG_OP_CLOSE_(belay_graph_##x())                                                              \
  GE_REG_OP_NAMES_(graph, x)                                                                       \
  _THIS_TYPE& create_dynamic_subgraph_##x(uint32_t num) {                                          \
    Operator::SubgraphCountRegister(#x, num);                                                      \
    return *this;                                                                                  \
  }                                                                                                \
  ge::SubgraphBuilder get_dynamic_subgraph_builder_##x(uint32_t index) const {                     \
    return Operator::GetDynamicSubgraphBuilder(#x, index);                                         \
  }                                                                                                \
  ge::Graph get_dynamic_subgraph_##x(uint32_t index) const {                                       \
    return Operator::GetDynamicSubgraph(#x, index);                                                \
  }                                                                                                \
  _THIS_TYPE& set_dynamic_subgraph_builder_##x(uint32_t index, const ge::SubgraphBuilder& v) {     \
    Operator::SetSubgraphBuilder(#x, index, v);                                                    \
    return *this;                                                                                  \
  }                                                                                                \
  GE_REG_OP_OPEN_(belay_graph_##x, Operator::SubgraphRegister(#x, true))

#define GE_REG_OP_CONCAT_INNER_(a, b) a##b
#define GE_REG_OP_CONCAT_(a, b) GE_REG_OP_CONCAT_INNER_(a, b)

#define GE_REG_OP_END_(x)                                                                          \
  N();                                                                                             \
  static_assert(std::is_same<x, _THIS_TYPE>::value, "the class name and the end name differ");     \
  }                                                                                                \
  };                                                                                               \
  }

// Ends the operators of op_proto/inc: the library has their prototypes, nothing is to register.
#define OP_END_BUILT_IN(x) GE_REG_OP_END_(x)

// DISABLE_COMPILE_V1: the classes only; the program's own operators stay unregistered.
#ifdef DISABLE_COMPILE_V1
#define OP_END_FACTORY_REG(x) GE_REG_OP_END_(x)
#else
#define OP_END_FACTORY_REG(x)                                                                      \
  GE_REG_OP_END_(x)                                                                                \
  static const ge::OperatorCreatorRegister GE_REG_OP_CONCAT_(g_register, __COUNTER__)(             \
      #x, [](const ge::AscendString& name) -> ge::Operator { return op::x(name); });
#endif

// Inference functions a program registers for its operators.
#define IMPLEMT_INFERFUNC(op_name, func_name)                                                      \
  static ge::graphStatus func_name(op::op_name& op)
#define IMPLEMT_COMMON_INFERFUNC(func_name) static ge::graphStatus func_name(ge::Operator& op)
#define IMPLEMT_VERIFIER(op_name, func_name) static ge::graphStatus func_name(op::op_name op)
#define IMPLEMT_INFERFORMAT_FUNC(op_name, func_name)                                               \
  static ge::graphStatus func_name(op::op_name& op)

// The registered function takes the class; the caller has an Operator that is one underneath.
#define GE_INFER_ADAPTER_(op_name, f)                                                              \
  [](ge::Operator& v) -> ge::graphStatus {                                                         \
    op::op_name& typed = static_cast<op::op_name&>(v);                                             \
    return f(typed);                                                                               \
  }

#define INFER_FUNC_REG(op_name, f)                                                                 \
  static const ge::InferShapeFuncRegister GE_REG_OP_CONCAT_(g_infer_shape_##op_name##_,            \
                                                            __COUNTER__)(                          \
      #op_name, GE_INFER_ADAPTER_(op_name, f));
#define COMMON_INFER_FUNC_REG(op_name, f)                                                          \
  static const ge::InferShapeFuncRegister GE_REG_OP_CONCAT_(g_infer_shape_##op_name##_,            \
                                                            __COUNTER__)(#op_name, f);
#define VERIFY_FUNC_REG(op_name, f)                                                                \
  static const ge::VerifyFuncRegister GE_REG_OP_CONCAT_(g_verify_##op_name##_, __COUNTER__)(       \
      #op_name, GE_INFER_ADAPTER_(op_name, f));
#define INFER_FORMAT_FUNC_REG(op_name, f)                                                          \
  static const ge::InferFormatFuncRegister GE_REG_OP_CONCAT_(g_infer_format_##op_name##_,          \
                                                             __COUNTER__)(                         \
      #op_name, GE_INFER_ADAPTER_(op_name, f));
#define INFER_VALUE_RANGE_DEFAULT_REG(op_name)                                                     \
  static const ge::InferValueRangeFuncRegister GE_REG_OP_CONCAT_(g_value_range_##op_name##_,       \
                                                                 __COUNTER__)(#op_name);
#define INFER_VALUE_RANGE_CUSTOM_FUNC_REG(op_name, when_call, f)                                   \
  static const ge::InferValueRangeFuncRegister GE_REG_OP_CONCAT_(g_value_range_##op_name##_,       \
                                                                 __COUNTER__)(                     \
      #op_name, when_call, f);

#define BROADCAST_INFER(in1_name, in2_name, out_name)                                              \
  [](ge::Operator op) -> ge::graphStatus {                                                         \
    return ge::BroadCastInfer(                                                                     \
        [&]() { return op.GetInputDescByName(in1_name).GetShape().GetDims(); },                    \
        [&]() { return op.GetInputDescByName(in2_name).GetShape().GetDims(); },                    \
        [&](const std::vector<int64_t>& y_shape) {                                                 \
          ge::TensorDesc desc = op.GetOutputDescByName(out_name);                                  \
          desc.SetShape(ge::Shape(y_shape));                                                       \
          desc.SetDataType(op.GetInputDescByName(in1_name).GetDataType());                         \
          (void)op.UpdateOutputDesc(out_name, desc);                                               \
        });                                                                                        \
  }

#define ELMTWISE_INFER_SHAPEANDTYPE(in_name, out_name)                                             \
  [](ge::Operator op) -> ge::graphStatus {                                                         \
    ge::TensorDesc desc = op.GetOutputDescByName(out_name);                                        \
    desc.SetShape(op.GetInputDescByName(in_name).GetShape());                                      \
    desc.SetDataType(op.GetInputDescByName(in_name).GetDataType());                                \
    return op.UpdateOutputDesc(out_name, desc);                                                    \
  }

#endif  // GRAPH_OPERATOR_REG_H_
