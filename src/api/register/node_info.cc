#include "api/register/node_info.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "api/exe_graph/attrs_block.h"
#include "api/graph/convert.h"
#include "exe_graph/runtime/tensor.h"

namespace belay {
namespace {

// Bytes that grow; values begin at multiples of eight.
class Bytes {
 public:
  uint8_t* Add(size_t size) {
    const size_t at = data_.size();
    data_.resize(at + (size + 7) / 8 * 8, 0);
    return data_.data() + at;
  }
  template <typename T>
  bool Put(const T& value) {
    std::memcpy(Add(sizeof(T)), &value, sizeof(T));
    return true;
  }
  size_t size() const { return data_.size(); }
  const std::vector<uint8_t>& data() const { return data_; }

 private:
  std::vector<uint8_t> data_;
};

template <typename T, typename Values>
bool PutVector(const Values& values, Bytes* bytes) {
  size_t size = 0;
  std::unique_ptr<uint8_t[]> block = gert::ContinuousVector::Create<T>(values.size(), size);
  auto* vector = reinterpret_cast<gert::ContinuousVector*>(block.get());
  (void)vector->SetSize(values.size());
  T* items = static_cast<T*>(vector->MutableData());
  for (const auto& value : values) *items++ = static_cast<T>(value);
  std::memcpy(bytes->Add(size), block.get(), size);
  return true;
}

template <typename T, typename Lists>
bool PutVectors(const Lists& lists, Bytes* bytes) {
  size_t size = gert::ContinuousVectorVector::GetOverHeadLength(lists.size());
  for (const auto& list : lists) size += gert::ContinuousVector::kOverHeadLength + list.size() * sizeof(T) + 8;
  std::vector<uint64_t> block(size / 8 + 1, 0);
  auto* vectors = reinterpret_cast<gert::ContinuousVectorVector*>(block.data());
  vectors->Init(lists.size());
  for (const auto& list : lists) {
    // Whole words, so that the next one is aligned.
    const size_t room = (list.size() * sizeof(T) + 7) / 8 * 8 / sizeof(T);
    gert::ContinuousVector* inner = vectors->Add<T>(room);
    (void)inner->SetSize(list.size());
    T* items = static_cast<T*>(inner->MutableData());
    for (const auto& value : list) *items++ = static_cast<T>(value);
  }
  std::memcpy(bytes->Add(size), block.data(), size);
  return true;
}

// One attribute behind the others; false for a kind that contexts do not have.
struct AttrPutter {
  Bytes* bytes;

  bool operator()(std::monostate) const { return false; }
  bool operator()(int64_t v) const { return bytes->Put(v); }
  bool operator()(float v) const { return bytes->Put(v); }
  bool operator()(bool v) const { return bytes->Put(v); }
  bool operator()(const std::string& v) const {
    std::memcpy(bytes->Add(v.size() + 1), v.c_str(), v.size() + 1);
    return true;
  }
  bool operator()(ge::DataType v) const { return bytes->Put(static_cast<int64_t>(v)); }
  bool operator()(const ge::Tensor& v) const {
    size_t size = 0;
    const ge::TensorDesc desc = v.GetTensorDesc();
    std::unique_ptr<uint8_t[]> block = gert::Tensor::CreateFollowing(desc.GetDataType(), v.GetSize(), size);
    if (block == nullptr) return false;
    auto* tensor = reinterpret_cast<gert::Tensor*>(block.get());
    for (int64_t dim : desc.GetShape().GetDims()) {
      tensor->MutableOriginShape().AppendDim(dim);
      tensor->MutableStorageShape().AppendDim(dim);
    }
    tensor->SetOriginFormat(desc.GetFormat());
    tensor->SetStorageFormat(desc.GetFormat());
    if (v.GetSize() != 0) std::memcpy(tensor->GetAddr(), v.GetData(), v.GetSize());
    std::memcpy(bytes->Add(size), block.get(), size);
    return true;
  }
  bool operator()(const std::vector<int64_t>& v) const { return PutVector<int64_t>(v, bytes); }
  bool operator()(const std::vector<float>& v) const { return PutVector<float>(v, bytes); }
  bool operator()(const std::vector<bool>& v) const { return PutVector<bool>(v, bytes); }
  bool operator()(const std::vector<uint8_t>& v) const { return PutVector<uint8_t>(v, bytes); }
  bool operator()(const std::vector<ge::DataType>& v) const { return PutVector<ge::DataType>(v, bytes); }
  bool operator()(const std::vector<std::vector<int64_t>>& v) const { return PutVectors<int64_t>(v, bytes); }
  bool operator()(const std::vector<std::string>& v) const {
    std::vector<std::string> texts = v;
    for (std::string& text : texts) text.push_back('\0');  // counted
    return PutVectors<char>(texts, bytes);
  }
  bool operator()(const std::vector<ge::Tensor>&) const { return false; }
  bool operator()(const ge::NamedAttrs&) const { return false; }
  bool operator()(const std::vector<ge::NamedAttrs>&) const { return false; }
};

Result<std::vector<uint8_t>> AttrsOf(const ge::OpDesc& desc) {
  Bytes bytes;
  const size_t count = desc.ir_attrs.size();
  bytes.Add(offsetof(gert::AttrsBlock, offsets) + count * sizeof(size_t));
  std::vector<size_t> offsets;
  for (const ge::IrAttr& attr : desc.ir_attrs) {
    offsets.push_back(bytes.size());
    const ge::AttrData* data = desc.FindAttr(attr.name);
    if (data == nullptr || !std::visit(AttrPutter{&bytes}, *data)) {
      return NotSupported("attribute {} is of a kind that a function's context cannot show", attr.name);
    }
  }
  std::vector<uint8_t> block = bytes.data();
  std::memcpy(block.data(), &count, sizeof(count));
  if (count) std::memcpy(block.data() + offsetof(gert::AttrsBlock, offsets), offsets.data(), count * sizeof(size_t));
  return block;
}

// Runs of instances by declared port. `there`: which count; null: all.
template <typename Give>
void FillInstances(const ge::Ports& ports, const std::vector<bool>* there, Give give) {
  for (size_t ir = 0; ir < ports.declared.size(); ++ir) {
    size_t start = 0, count = 0, counted = 0;
    for (size_t i = 0; i < ports.instances.size(); ++i) {
      if (there != nullptr && !(*there)[i]) continue;
      const bool ours = ports.instances[i]->ir_name == ports.declared[ir].name;
      if (ours && count++ == 0) start = counted;
      ++counted;
    }
    new (give(ir)) gert::AnchorInstanceInfo(static_cast<uint32_t>(start), static_cast<uint32_t>(count));
  }
}

}  // namespace

Result<NodeInfo> NodeInfo::Make(const OpNode& node) {
  const ge::OpDesc& desc = *node.desc;
  BELAY_TRY(std::vector<uint8_t> attrs, AttrsOf(desc));
  const size_t inputs = std::count(node.there.begin(), node.there.end(), true);
  const size_t outputs = desc.outputs.instances.size();
  size_t size = 0;
  const auto fits = gert::ComputeNodeInfo::CalcSize(desc.inputs.declared.size(), desc.outputs.declared.size(), inputs,
                                                    outputs, size);
  if (fits != ge::GRAPH_SUCCESS) return InvalidArgument("the node has too many inputs and outputs");
  NodeInfo info;
  info.desc_ = node.desc;
  info.block_.assign((size + attrs.size()) / 8 + 1, 0);
  gert::ComputeNodeInfo* to = info.mutable_info();
  to->Init(desc.inputs.declared.size(), desc.outputs.declared.size(), inputs, outputs, attrs.size(),
           desc.name.c_str(), desc.type.c_str());
  std::memcpy(to->MutableAttrs(), attrs.data(), attrs.size());
  FillInstances(desc.inputs, &node.there, [to](size_t ir) { return to->MutableInputInstanceInfo(ir); });
  FillInstances(desc.outputs, nullptr, [to](size_t ir) { return to->MutableOutputInstanceInfo(ir); });
  return info;
}

NodeInfo NodeInfo::With(const DTypes& inputs, const DTypes& outputs) const {
  NodeInfo info = *this;
  auto fill = [](gert::CompileTimeTensorDesc* desc, DType dtype) {
    new (desc) gert::CompileTimeTensorDesc();
    desc->SetDataType(FromDType(dtype));
    desc->SetOriginFormat(ge::FORMAT_ND);
    desc->SetStorageFormat(ge::FORMAT_ND);
  };
  gert::ComputeNodeInfo* to = info.mutable_info();
  for (size_t i = 0; i < inputs.size(); ++i) fill(to->MutableInputTdInfo(i), inputs[i]);
  for (size_t k = 0; k < outputs.size(); ++k) fill(to->MutableOutputTdInfo(k), outputs[k]);
  return info;
}

}  // namespace belay
