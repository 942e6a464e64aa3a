// Functions with a std::string in their signature; compiled once for each layout of std::string.
// They only convert: the work is done by the overloads without one.
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/graph/abi_slots.h"
#include "api/graph/type_names.h"
#include "graph/attr_value.h"
#include "graph/graph.h"
#include "graph/inference_context.h"
#include "graph/operator.h"
#include "graph/operator_factory.h"
#include "graph/tensor.h"
#include "graph/utils/type_utils.h"

namespace ge {
namespace {

AscendString Neutral(const std::string& text) { return AscendString(text.data(), text.size()); }
std::string Native(const AscendString& text) {
  return std::string(text.GetString(), text.GetLength());
}
std::vector<AscendString> Neutral(const std::vector<std::string>& texts) {
  std::vector<AscendString> converted;
  for (const std::string& text : texts) converted.push_back(Neutral(text));
  return converted;
}
std::vector<std::string> Native(const std::vector<AscendString>& texts) {
  std::vector<std::string> converted;
  for (const AscendString& text : texts) converted.push_back(Native(text));
  return converted;
}

// Keeps the last value handed out by reference, which stays valid while the object lives.
template <typename T>
const T& Keep(std::shared_ptr<void>* slot, T value) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  if (*slot == nullptr || *static_cast<T*>(slot->get()) != value) {
    *slot = std::make_shared<T>(std::move(value));
  }
  return *static_cast<T*>(slot->get());
}

}  // namespace

// TensorDesc and Tensor
std::string TensorDesc::GetName() const {
  AscendString name;
  (void)GetName(name);
  return Native(name);
}
void TensorDesc::SetName(const std::string& name) { SetName(name.c_str()); }
graphStatus Tensor::SetData(const std::string& data) {
  return SetData(std::vector<AscendString>{Neutral(data)});
}
graphStatus Tensor::SetData(const std::vector<std::string>& data) { return SetData(Neutral(data)); }

graphStatus AttrValue::GetValue(STR& val) const {
  AscendString text;
  const graphStatus status = const_cast<AttrValue*>(this)->GetValue(text);
  if (status == GRAPH_SUCCESS) val = Native(text);
  return status;
}

// Graph
Graph::Graph(const std::string& name) : Graph(name.c_str()) {}
Graph& Graph::SetOutputs(const std::vector<std::pair<Operator, std::string>>& outputs) {
  std::vector<std::pair<Operator, AscendString>> converted;
  for (const auto& output : outputs) converted.emplace_back(output.first, Neutral(output.second));
  return SetOutputs(converted);
}
graphStatus Graph::FindOpByName(const std::string& name, Operator& op) const {
  return FindOpByName(name.c_str(), op);
}
graphStatus Graph::FindOpByType(const std::string& type, std::vector<Operator>& ops) const {
  return FindOpByType(type.c_str(), ops);
}
graphStatus Graph::GetAllOpName(std::vector<std::string>& op_name) const {
  std::vector<AscendString> names;
  const graphStatus status = GetAllOpName(names);
  for (const AscendString& name : names) op_name.push_back(Native(name));
  return status;
}
graphStatus Graph::SaveToFile(const std::string& file_name) const {
  return SaveToFile(file_name.c_str());
}
graphStatus Graph::LoadFromFile(const std::string& file_name) {
  return LoadFromFile(file_name.c_str());
}
const std::string& Graph::GetName() const {
  static const std::string* const kNone = new std::string();
  AscendString name;
  if (GetName(name) != GRAPH_SUCCESS) return *kNone;
  return Keep(GraphNameSlot(impl_, BELAY_STRING_ABI), Native(name));
}

// TypeUtils
std::string TypeUtils::DataTypeToSerialString(const DataType data_type) {
  const char* text = DataTypeText(data_type);
  return text == nullptr ? "UNDEFINED" : text;
}
DataType TypeUtils::SerialStringToDataType(const std::string& str) {
  return DataTypeOfText(str.c_str());
}
std::string TypeUtils::FormatToSerialString(const Format format) {
  const int32_t packed = static_cast<int32_t>(format);
  const char* text = FormatText(static_cast<Format>(GetPrimaryFormat(packed)));
  const std::string name = text == nullptr ? "RESERVED" : text;
  return HasSubFormat(packed) ? name + ":" + std::to_string(GetSubFormat(packed)) : name;
}
Format TypeUtils::SerialStringToFormat(const std::string& str) {
  const size_t colon = str.find(':');
  const Format primary = FormatOfText(str.substr(0, colon).c_str());
  if (colon == std::string::npos || primary == FORMAT_RESERVED) return primary;
  const int32_t sub = static_cast<int32_t>(std::strtol(str.c_str() + colon + 1, nullptr, 10));
  return static_cast<Format>(GetFormatFromSub(static_cast<int32_t>(primary), sub));
}
Format TypeUtils::DataFormatToFormat(const std::string& str) { return FormatOfText(str.c_str()); }

// InferenceContext
void InferenceContext::SetMarks(const std::vector<std::string>& marks) { SetMarks(Neutral(marks)); }
const std::vector<std::string>& InferenceContext::GetMarks() const {
  std::vector<AscendString> marks;
  GetMarks(marks);
  return Keep(MarksSlot(inner_inference_context_.get(), BELAY_STRING_ABI), Native(marks));
}

// OperatorFactory and the registrations
Operator OperatorFactory::CreateOperator(const std::string& operator_name,
                                         const std::string& operator_type) {
  return CreateOperator(operator_name.c_str(), operator_type.c_str());
}
graphStatus OperatorFactory::GetOpsTypeList(std::vector<std::string>& all_ops) {
  std::vector<AscendString> types;
  const graphStatus status = GetOpsTypeList(types);
  all_ops = Native(types);
  return status;
}
bool OperatorFactory::IsExistOp(const std::string& operator_type) {
  return IsExistOp(operator_type.c_str());
}
OperatorCreatorRegister::OperatorCreatorRegister(const std::string& operator_type,
                                                 const OpCreator& op_creator)
    : OperatorCreatorRegister(operator_type.c_str(), [op_creator](const AscendString& name) {
        return op_creator(Native(name));
      }) {}
InferShapeFuncRegister::InferShapeFuncRegister(const std::string& operator_type,
                                               const InferShapeFunc& infer_shape_func)
    : InferShapeFuncRegister(operator_type.c_str(), infer_shape_func) {}
InferFormatFuncRegister::InferFormatFuncRegister(const std::string& operator_type,
                                                 const InferFormatFunc& infer_format_func)
    : InferFormatFuncRegister(operator_type.c_str(), infer_format_func) {}
VerifyFuncRegister::VerifyFuncRegister(const std::string& operator_type,
                                       const VerifyFunc& verify_func)
    : VerifyFuncRegister(operator_type.c_str(), verify_func) {}

// Operator: names, links and ports
Operator::Operator(const std::string& type) : Operator(type.c_str()) {}
Operator::Operator(const std::string& name, const std::string& type)
    : Operator(name.c_str(), type.c_str()) {}
std::string Operator::GetName() const {
  AscendString name;
  (void)GetName(name);
  return Native(name);
}
std::string Operator::GetOpType() const {
  AscendString type;
  (void)GetOpType(type);
  return Native(type);
}
Operator& Operator::SetInput(const std::string& dst_name, const Operator& src_oprt) {
  return SetInput(dst_name.c_str(), src_oprt);
}
Operator& Operator::SetInput(const std::string& dst_name, const Operator& src_oprt,
                             const std::string& name) {
  return SetInput(dst_name.c_str(), src_oprt, name.c_str());
}
Operator& Operator::SetInput(const std::string& dst_name, const Operator& src_oprt,
                             uint32_t index) {
  return SetInput(dst_name.c_str(), src_oprt, index);
}
Operator& Operator::SetInput(const std::string& dst_name, uint32_t dst_index,
                             const Operator& src_oprt) {
  return SetInput(dst_name.c_str(), dst_index, src_oprt);
}
Operator& Operator::SetInput(const std::string& dst_name, uint32_t dst_index,
                             const Operator& src_oprt, const std::string& name) {
  return SetInput(dst_name.c_str(), dst_index, src_oprt, name.c_str());
}
Operator& Operator::SetInput(const std::string& dst_name, const OutHandler& out_handler) {
  return SetInput(dst_name.c_str(), out_handler);
}
OutHandler Operator::GetOutput(const std::string& name) const { return GetOutput(name.c_str()); }
graphStatus Operator::GetInputConstData(const std::string& dst_name, Tensor& data) const {
  return GetInputConstData(dst_name.c_str(), data);
}
graphStatus Operator::GetInputConstDataOut(const std::string& dst_name, Tensor& data) const {
  return GetInputConstDataOut(dst_name.c_str(), data);
}
TensorDesc Operator::GetInputDesc(const std::string& name) const {
  return GetInputDescByName(name.c_str());
}
int32_t Operator::GetDynamicOutputNum(const std::string& name) const {
  return GetDynamicOutputNum(name.c_str());
}
int32_t Operator::GetDynamicInputNum(const std::string& name) const {
  return GetDynamicInputNum(name.c_str());
}
graphStatus Operator::TryGetInputDesc(const std::string& name, TensorDesc& tensor_desc) const {
  return TryGetInputDesc(name.c_str(), tensor_desc);
}
graphStatus Operator::UpdateInputDesc(const std::string& name, const TensorDesc& tensor_desc) {
  return UpdateInputDesc(name.c_str(), tensor_desc);
}
TensorDesc Operator::GetOutputDesc(const std::string& name) const {
  return GetOutputDescByName(name.c_str());
}
graphStatus Operator::UpdateOutputDesc(const std::string& name, const TensorDesc& tensor_desc) {
  return UpdateOutputDesc(name.c_str(), tensor_desc);
}
TensorDesc Operator::GetDynamicInputDesc(const std::string& name, uint32_t index) const {
  return GetDynamicInputDesc(name.c_str(), index);
}
graphStatus Operator::UpdateDynamicInputDesc(const std::string& name, uint32_t index,
                                             const TensorDesc& tensor_desc) {
  return UpdateDynamicInputDesc(name.c_str(), index, tensor_desc);
}
TensorDesc Operator::GetDynamicOutputDesc(const std::string& name, uint32_t index) const {
  return GetDynamicOutputDesc(name.c_str(), index);
}
graphStatus Operator::UpdateDynamicOutputDesc(const std::string& name, uint32_t index,
                                              const TensorDesc& tensor_desc) {
  return UpdateDynamicOutputDesc(name.c_str(), index, tensor_desc);
}

// Operator: declarations and subgraphs
void Operator::InputRegister(const std::string& name) { InputRegister(name.c_str()); }
void Operator::OptionalInputRegister(const std::string& name) {
  OptionalInputRegister(name.c_str());
}
void Operator::OutputRegister(const std::string& name) { OutputRegister(name.c_str()); }
void Operator::DynamicInputRegister(const std::string& name, const uint32_t num,
                                    bool is_push_back) {
  DynamicInputRegister(name.c_str(), num, is_push_back);
}
void Operator::DynamicInputRegisterByIndex(const std::string& name, const uint32_t num,
                                           size_t index) {
  DynamicInputRegisterByIndex(name.c_str(), num, index);
}
void Operator::DynamicOutputRegister(const std::string& name, const uint32_t num,
                                     bool is_push_back) {
  DynamicOutputRegister(name.c_str(), num, is_push_back);
}
void Operator::RequiredAttrRegister(const std::string& name) { RequiredAttrRegister(name.c_str()); }
void Operator::SubgraphRegister(const std::string& ir_name, bool dynamic) {
  SubgraphRegister(ir_name.c_str(), dynamic);
}
void Operator::SubgraphCountRegister(const std::string& ir_name, uint32_t count) {
  SubgraphCountRegister(ir_name.c_str(), count);
}
void Operator::SetSubgraphBuilder(const std::string& ir_name, uint32_t index,
                                  const SubgraphBuilder& builder) {
  SetSubgraphBuilder(ir_name.c_str(), index, builder);
}
SubgraphBuilder Operator::GetSubgraphBuilder(const std::string& name) const {
  return GetSubgraphBuilder(name.c_str());
}
SubgraphBuilder Operator::GetDynamicSubgraphBuilder(const std::string& name, uint32_t index) const {
  return GetDynamicSubgraphBuilder(name.c_str(), index);
}
Graph Operator::GetSubgraph(const std::string& name) const { return GetSubgraph(name.c_str()); }
Graph Operator::GetSubgraphImpl(const std::string& name) const {
  return GetSubgraphImpl(name.c_str());
}
Graph Operator::GetDynamicSubgraph(const std::string& name, uint32_t index) const {
  return GetDynamicSubgraph(name.c_str(), index);
}
std::vector<std::string> Operator::GetSubgraphNames() const {
  std::vector<AscendString> names;
  (void)GetSubgraphNames(names);
  return Native(names);
}
const std::map<std::string, std::string> Operator::GetAllAttrNamesAndTypes() const {
  std::map<AscendString, AscendString> neutral;
  (void)GetAllAttrNamesAndTypes(neutral);
  std::map<std::string, std::string> types;
  for (const auto& item : neutral) types[Native(item.first)] = Native(item.second);
  return types;
}

// Operator: attributes
#define BELAY_ATTR_BY_STRING(Type, Param)                                            \
  Operator& Operator::SetAttr(const std::string& name, Param attr_value) {           \
    return SetAttr(name.c_str(), attr_value);                                        \
  }                                                                                  \
  graphStatus Operator::GetAttr(const std::string& name, Type& attr_value) const {   \
    return GetAttr(name.c_str(), attr_value);                                        \
  }
#define BELAY_REGISTER_BY_STRING(Param)                                   \
  void Operator::AttrRegister(const std::string& name, Param attr_value) { \
    AttrRegister(name.c_str(), attr_value);                               \
  }

BELAY_ATTR_BY_STRING(int64_t, int64_t)
BELAY_ATTR_BY_STRING(int32_t, int32_t)
BELAY_ATTR_BY_STRING(uint32_t, uint32_t)
BELAY_ATTR_BY_STRING(float, float)
BELAY_ATTR_BY_STRING(bool, bool)
BELAY_ATTR_BY_STRING(std::vector<int64_t>, const std::vector<int64_t>&)
BELAY_ATTR_BY_STRING(std::vector<int32_t>, const std::vector<int32_t>&)
BELAY_ATTR_BY_STRING(std::vector<uint32_t>, const std::vector<uint32_t>&)
BELAY_ATTR_BY_STRING(std::vector<float>, const std::vector<float>&)
BELAY_ATTR_BY_STRING(std::vector<bool>, const std::vector<bool>&)
BELAY_ATTR_BY_STRING(Tensor, const Tensor&)
BELAY_ATTR_BY_STRING(std::vector<Tensor>, const std::vector<Tensor>&)
BELAY_ATTR_BY_STRING(OpBytes, const OpBytes&)
BELAY_ATTR_BY_STRING(std::vector<std::vector<int64_t>>, const std::vector<std::vector<int64_t>>&)
BELAY_ATTR_BY_STRING(std::vector<DataType>, const std::vector<DataType>&)
BELAY_ATTR_BY_STRING(DataType, const DataType&)
BELAY_ATTR_BY_STRING(NamedAttrs, const NamedAttrs&)
BELAY_ATTR_BY_STRING(std::vector<NamedAttrs>, const std::vector<NamedAttrs>&)

Operator& Operator::SetAttr(const std::string& name, std::initializer_list<int64_t>&& attr_value) {
  return SetAttr(name.c_str(), std::move(attr_value));
}
Operator& Operator::SetAttr(const std::string& name, AttrValue&& attr_value) {
  return SetAttr(name.c_str(), std::move(attr_value));
}
graphStatus Operator::GetAttr(const std::string& name, AttrValue& attr_value) const {
  return GetAttr(name.c_str(), attr_value);
}
Operator& Operator::SetAttr(const std::string& name, const std::string& attr_value) {
  return SetAttr(name.c_str(), Neutral(attr_value));
}
graphStatus Operator::GetAttr(const std::string& name, std::string& attr_value) const {
  AscendString text;
  const graphStatus status = GetAttr(name.c_str(), text);
  if (status == GRAPH_SUCCESS) attr_value = Native(text);
  return status;
}
Operator& Operator::SetAttr(const std::string& name, const std::vector<std::string>& attr_value) {
  return SetAttr(name.c_str(), Neutral(attr_value));
}
graphStatus Operator::GetAttr(const std::string& name, std::vector<std::string>& attr_value) const {
  std::vector<AscendString> texts;
  const graphStatus status = GetAttr(name.c_str(), texts);
  if (status == GRAPH_SUCCESS) attr_value = Native(texts);
  return status;
}

BELAY_REGISTER_BY_STRING(float)
BELAY_REGISTER_BY_STRING(int64_t)
BELAY_REGISTER_BY_STRING(bool)
BELAY_REGISTER_BY_STRING(const std::vector<float>&)
BELAY_REGISTER_BY_STRING(const std::vector<int64_t>&)
BELAY_REGISTER_BY_STRING(const std::vector<bool>&)
BELAY_REGISTER_BY_STRING(const Tensor&)
BELAY_REGISTER_BY_STRING(const std::vector<Tensor>&)
BELAY_REGISTER_BY_STRING(const OpBytes&)
BELAY_REGISTER_BY_STRING(const std::vector<std::vector<int64_t>>&)
BELAY_REGISTER_BY_STRING(const std::vector<DataType>&)
BELAY_REGISTER_BY_STRING(const DataType&)
BELAY_REGISTER_BY_STRING(const NamedAttrs&)
BELAY_REGISTER_BY_STRING(const std::vector<NamedAttrs>&)
BELAY_REGISTER_BY_STRING(const AscendString&)
BELAY_REGISTER_BY_STRING(const std::vector<AscendString>&)
void Operator::AttrRegister(const std::string& name, const std::string& attr_value) {
  AttrRegister(name.c_str(), Neutral(attr_value));
}
void Operator::AttrRegister(const std::string& name, const std::vector<std::string>& attr_value) {
  AttrRegister(name.c_str(), Neutral(attr_value));
}

}  // namespace ge
