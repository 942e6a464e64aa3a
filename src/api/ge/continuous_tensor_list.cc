#include "ge/ge_continuous_tensor_list_api.h"

#include <new>

namespace ge {
namespace {
constexpr size_t kAlignment = 64;
}

class ContinuousTensorListImpl {
 public:
  std::vector<TensorDesc> descs;
  std::vector<Tensor> tensors;
  std::vector<uint8_t*> data;
  std::vector<size_t> sizes;
  std::shared_ptr<uint8_t> buffer;
  size_t buffer_size = 0;
};

ContinuousTensorList::ContinuousTensorList(const std::vector<TensorDesc>& tensor_desc_list)
    : impl_(std::make_shared<ContinuousTensorListImpl>()) {
  impl_->descs = tensor_desc_list;
}
ContinuousTensorList::~ContinuousTensorList() = default;

graphStatus ContinuousTensorList::Initialize() {
  if (impl_->buffer != nullptr) return GRAPH_SUCCESS;
  std::vector<size_t> offsets, sizes;
  size_t total = 0;
  for (const TensorDesc& desc : impl_->descs) {
    const bool scalar = desc.GetShape().GetDims().empty();
    const int64_t count = scalar ? 1 : desc.GetShape().GetShapeSize();
    const int64_t bytes = GetSizeInBytes(count, desc.GetDataType());
    if (bytes < 0) return GRAPH_PARAM_INVALID;
    offsets.push_back(total);
    sizes.push_back(static_cast<size_t>(bytes));
    if (__builtin_add_overflow(total, static_cast<size_t>(bytes) + kAlignment - 1, &total)) {
      return GRAPH_PARAM_INVALID;
    }
    total -= total % kAlignment;
  }
  auto* memory = static_cast<uint8_t*>(
      ::operator new(total == 0 ? 1 : total, std::align_val_t(kAlignment), std::nothrow));
  if (memory == nullptr) return GRAPH_MEM_OPERATE_FAILED;
  impl_->buffer = std::shared_ptr<uint8_t>(
      memory, [](uint8_t* p) { ::operator delete(p, std::align_val_t(kAlignment)); });
  impl_->buffer_size = total;
  impl_->sizes = sizes;
  for (size_t i = 0; i < sizes.size(); ++i) {
    impl_->data.push_back(memory + offsets[i]);
    Tensor tensor(impl_->descs[i]);
    // The list owns the memory; a tensor that outlives it keeps its own count.
    (void)tensor.SetData(memory + offsets[i], sizes[i], [buffer = impl_->buffer](uint8_t*) {});
    impl_->tensors.push_back(tensor);
  }
  return GRAPH_SUCCESS;
}

graphStatus ContinuousTensorList::Finalize() {
  impl_->tensors.clear();
  impl_->data.clear();
  impl_->sizes.clear();
  impl_->buffer.reset();
  impl_->buffer_size = 0;
  return GRAPH_SUCCESS;
}

const std::vector<TensorDesc>& ContinuousTensorList::GetTensorDescList() const { return impl_->descs; }
const std::vector<Tensor>& ContinuousTensorList::GetTensorList() const { return impl_->tensors; }
std::vector<uint8_t*> ContinuousTensorList::GetDataList() const { return impl_->data; }
std::vector<size_t> ContinuousTensorList::GetSizeList() const { return impl_->sizes; }
size_t ContinuousTensorList::GetBufferSize() const { return impl_->buffer_size; }
const void* ContinuousTensorList::GetBuffer() const { return impl_->buffer.get(); }

}  // namespace ge
