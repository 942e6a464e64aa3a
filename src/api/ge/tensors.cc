#include "api/ge/tensors.h"

#include <algorithm>
#include <atomic>

#include "backend/memory.h"

namespace belay::api {
namespace {

// What the address of an engine-allocated output stands for, shared by gert::TensorData copies.
struct OutputBlock {
  void* data;
  void* block = nullptr;  // of the allocator
  std::shared_ptr<OutputAllocator> allocator;
  std::atomic<int> owners{1};

  OutputBlock(void* address, void* from, std::shared_ptr<OutputAllocator> giver)
      : data(address), block(from), allocator(from ? std::move(giver) : nullptr) {}
  ~OutputBlock() {
    if (allocator) {
      allocator->Free(block);
    } else {
      (void)FreeMemory(data);
    }
  }
};

ge::graphStatus ManageOutput(gert::TensorAddress address, gert::TensorOperateType operation, void** out) {
  auto* block = static_cast<OutputBlock*>(address);
  if (!block) return ge::GRAPH_FAILED;
  switch (operation) {
    case gert::kGetTensorAddress:
      if (!out) return ge::GRAPH_FAILED;
      *out = block->data;
      return ge::GRAPH_SUCCESS;
    case gert::kPlusShareCount: block->owners.fetch_add(1); return ge::GRAPH_SUCCESS;
    case gert::kFreeTensor:
      if (block->owners.fetch_sub(1) == 1) delete block;
      return ge::GRAPH_SUCCESS;
    default: return ge::GRAPH_FAILED;
  }
}

bool InDeviceMemory(const void* address) {
  MemoryBlock block;
  return FindMemory(address, &block) && block.kind == MemoryKind::kDevice;
}

}  // namespace

void ToViews(const std::vector<gert::Tensor>& tensors, std::vector<TensorView>* views) {
  views->resize(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const gert::Tensor& t = tensors[i];
    TensorView& v = (*views)[i];
    v.data = const_cast<void*>(t.GetAddr());
    v.block = nullptr;
    v.bytes = t.GetSize();
    v.dtype = static_cast<DType>(t.GetDataType());
    v.on_host = v.data && (t.GetPlacement() == gert::kOnHost || t.GetPlacement() == gert::kFollowing);
    const gert::Shape& shape = t.GetStorageShape();
    v.rank = static_cast<int>(shape.GetDimNum());
    for (int d = 0; d < v.rank && d < kMaxRank; ++d) v.dims[d] = shape.GetDim(static_cast<size_t>(d));
  }
}

void FromViews(const std::vector<TensorView>& views, const std::shared_ptr<OutputAllocator>& allocator,
               std::vector<gert::Tensor>* tensors) {
  for (size_t i = 0; i < views.size(); ++i) {
    const TensorView& v = views[i];
    gert::Tensor& t = (*tensors)[i];
    for (gert::Shape* shape : {&t.MutableStorageShape(), &t.MutableOriginShape()}) {
      shape->SetDimNum(static_cast<size_t>(v.rank));
      for (int d = 0; d < v.rank; ++d) shape->SetDim(static_cast<size_t>(d), v.dims[d]);
    }
    t.SetDataType(static_cast<ge::DataType>(v.dtype));
    if (t.GetAddr() || !v.data) continue;
    t.SetStorageFormat(ge::FORMAT_ND);
    t.SetOriginFormat(ge::FORMAT_ND);
    t.SetData(gert::TensorData(new OutputBlock{v.data, v.block, allocator}, ManageOutput, v.bytes, gert::kOnDeviceHbm));
  }
}

void FromViews(const std::vector<TensorView>& views, const std::shared_ptr<OutputAllocator>& allocator,
               std::vector<ge::Tensor>* tensors) {
  for (size_t i = 0; i < views.size(); ++i) {
    const TensorView& v = views[i];
    ge::Tensor& t = (*tensors)[i];
    ge::TensorDesc desc = t.GetTensorDesc();
    const ge::Shape shape(std::vector<int64_t>(v.dims, v.dims + v.rank));
    desc.SetShape(shape);
    desc.SetOriginShape(shape);
    desc.SetDataType(static_cast<ge::DataType>(v.dtype));
    const bool made_here = v.data && !t.GetData();
    if (made_here) desc.SetPlacement(ge::kPlacementDevice);
    (void)t.SetTensorDesc(desc);
    if (!made_here) continue;
    auto block = std::make_shared<OutputBlock>(v.data, v.block, allocator);
    (void)t.SetData(static_cast<uint8_t*>(v.data), v.bytes, [block](uint8_t*) mutable { block.reset(); });
  }
}

std::vector<TensorView> ToViews(const std::vector<ge::Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const ge::Tensor& t : tensors) {
    const ge::TensorDesc desc = t.GetTensorDesc();
    TensorView v;
    v.data = const_cast<uint8_t*>(t.GetData());
    v.bytes = t.GetSize();
    v.dtype = static_cast<DType>(desc.GetDataType());
    const std::vector<int64_t> dims = desc.GetShape().GetDims();
    v.rank = static_cast<int>(dims.size() > kMaxRank ? kMaxRank : dims.size());
    std::copy_n(dims.begin(), v.rank, v.dims);
    views.push_back(v);
  }
  return views;
}

std::vector<TensorView> ToStreamInputs(const std::vector<ge::Tensor>& tensors) {
  std::vector<TensorView> views = ToViews(tensors);
  for (size_t i = 0; i < views.size(); ++i) {
    TensorView& v = views[i];
    if (!v.data) continue;
    if (!InDeviceMemory(v.data)) {
      v.on_host = tensors[i].GetTensorDesc().GetPlacement() == ge::kPlacementHost;
      continue;
    }
    int64_t count = 1;
    bool fits = true;
    for (int d = 0; d < v.rank; ++d) fits = fits && v.dims[d] >= 0 && !__builtin_mul_overflow(count, v.dims[d], &count);
    if (fits) v.bytes = std::max(v.bytes, static_cast<size_t>(ByteSize(v.dtype, count)));
  }
  return views;
}

std::vector<ge::Tensor> ToHostTensors(std::vector<TensorView>* views) {
  std::vector<ge::Tensor> tensors;
  for (TensorView& v : *views) {
    int64_t count = 1;
    for (int d = 0; d < v.rank; ++d) count *= v.dims[d];
    const size_t bytes = IsRunValue(v.dtype) ? v.bytes : static_cast<size_t>(ByteSize(v.dtype, count));
    ge::TensorDesc desc(ge::Shape(std::vector<int64_t>(v.dims, v.dims + v.rank)), ge::FORMAT_ND,
                        static_cast<ge::DataType>(v.dtype));
    tensors.emplace_back(desc, static_cast<const uint8_t*>(v.data), bytes);
    (void)FreeMemory(v.data);
    v.data = nullptr;
  }
  return tensors;
}

}  // namespace belay::api
