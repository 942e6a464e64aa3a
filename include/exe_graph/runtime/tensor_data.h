#ifndef EXE_GRAPH_RUNTIME_TENSOR_DATA_H_
#define EXE_GRAPH_RUNTIME_TENSOR_DATA_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "graph/ge_error_codes.h"
#include "graph/types.h"

namespace gert {

using TensorAddress = void*;
using ConstTensorAddressPtr = const void*;

// Later releases add places: compare with the ones you know, never with kTensorPlacementEnd.
enum TensorPlacement : int32_t {
  kOnDeviceHbm = 0,
  kOnHost = 1,
  kFollowing = 2,
  kOnDeviceP2p = 3,
  kTensorPlacementEnd = 4
};

enum TensorOperateType : int32_t {
  kGetTensorAddress = 0,
  kFreeTensor = 1,
  kPlusShareCount = 2,
  kTensorOperateType = 3
};

// Owner of an address; with one, the address may be any handle and kGetTensorAddress resolves it.
using TensorAddrManager = ge::graphStatus (*)(TensorAddress addr, TensorOperateType operate_type,
                                              void** out);

// An address, who frees it, its size and place.
class TensorData {
 public:
  explicit TensorData(TensorAddress addr = nullptr, const TensorAddrManager manager = nullptr)
      : TensorData(addr, manager, 0, kTensorPlacementEnd) {}
  TensorData(TensorAddress addr, const TensorAddrManager manager, size_t size,
             TensorPlacement placement)
      : addr_(addr), manager_(manager), size_(size), placement_(placement), reserved_0_(0) {
    std::memset(reserved_1_, 0, sizeof(reserved_1_));
  }
  TensorData(const TensorData&) = delete;
  TensorData& operator=(const TensorData&) = delete;
  TensorData(TensorData&& other) noexcept
      : addr_(other.addr_),
        manager_(other.manager_),
        size_(other.size_),
        placement_(other.placement_),
        reserved_0_(other.reserved_0_) {
    std::memcpy(reserved_1_, other.reserved_1_, sizeof(reserved_1_));
    other.Forget();
  }
  TensorData& operator=(TensorData&& other) noexcept {
    if (this == &other) return *this;
    (void)Free();
    addr_ = other.addr_;
    manager_ = other.manager_;
    size_ = other.size_;
    placement_ = other.placement_;
    other.Forget();
    return *this;
  }
  ~TensorData() { (void)Free(); }

  TensorAddress GetAddr() const {
    if (manager_ == nullptr || addr_ == nullptr) return addr_;
    TensorAddress addr = nullptr;
    return manager_(addr_, kGetTensorAddress, &addr) == ge::GRAPH_SUCCESS ? addr : nullptr;
  }
  size_t GetSize() const { return size_; }
  void SetSize(const size_t size) { size_ = size; }
  TensorPlacement GetPlacement() const { return placement_; }
  void SetPlacement(const TensorPlacement placement) { placement_ = placement; }

  // On failure the address is kept.
  ge::graphStatus Free() {
    if (manager_ == nullptr) return ge::GRAPH_SUCCESS;
    const ge::graphStatus status = manager_(addr_, kFreeTensor, nullptr);
    if (status == ge::GRAPH_SUCCESS) {
      addr_ = nullptr;
      manager_ = nullptr;
    }
    return status;
  }
  ge::graphStatus SetAddr(const ConstTensorAddressPtr addr, TensorAddrManager manager) {
    const ge::graphStatus status = Free();
    if (status != ge::GRAPH_SUCCESS) return status;
    addr_ = const_cast<TensorAddress>(addr);
    manager_ = manager;
    return ge::GRAPH_SUCCESS;
  }
  bool IsSharedWith(const TensorData& other) const {
    return addr_ == other.addr_ && manager_ == other.manager_ && size_ == other.size_ &&
           placement_ == other.placement_;
  }
  ge::graphStatus ShareFrom(const TensorData& other) {
    if (IsSharedWith(other)) return ge::GRAPH_SUCCESS;
    const ge::graphStatus status = Free();
    if (status != ge::GRAPH_SUCCESS) return status;
    addr_ = other.addr_;
    manager_ = other.manager_;
    size_ = other.size_;
    placement_ = other.placement_;
    return manager_ == nullptr ? ge::GRAPH_SUCCESS : manager_(addr_, kPlusShareCount, nullptr);
  }

 private:
  void Forget() {
    addr_ = nullptr;
    manager_ = nullptr;
    size_ = 0;
    placement_ = kTensorPlacementEnd;
  }

  TensorAddress addr_;
  TensorAddrManager manager_;
  size_t size_;
  TensorPlacement placement_;
  uint32_t reserved_0_;
  uint8_t reserved_1_[40];
};

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_TENSOR_DATA_H_
