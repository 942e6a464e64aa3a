#ifndef EXE_GRAPH_RUNTIME_CONTINUOUS_VECTOR_H_
#define EXE_GRAPH_RUNTIME_CONTINUOUS_VECTOR_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "graph/ge_error_codes.h"

namespace gert {

// A vector in one block: this header, then the elements at kOverHeadLength.
class ContinuousVector {
 public:
  template <typename T>
  static std::unique_ptr<uint8_t[]> Create(size_t capacity, size_t& total_size) {
    if (__builtin_mul_overflow(capacity, sizeof(T), &total_size)) return nullptr;
    if (__builtin_add_overflow(total_size, kOverHeadLength, &total_size)) return nullptr;
    const size_t least = sizeof(ContinuousVector);
    const size_t bytes = total_size < least ? least : total_size;
    std::unique_ptr<uint8_t[]> holder(new (std::nothrow) uint8_t[bytes]);
    if (holder != nullptr) reinterpret_cast<ContinuousVector*>(holder.get())->Init(capacity);
    return holder;
  }
  template <typename T>
  static std::unique_ptr<uint8_t[]> Create(size_t capacity) {
    size_t total_size = 0;
    return Create<T>(capacity, total_size);
  }

  void Init(const size_t capacity) {
    capacity_ = capacity;
    size_ = 0;
    std::memset(reserved_, 0, sizeof(reserved_));
  }
  size_t GetSize() const { return size_; }
  ge::graphStatus SetSize(const size_t size) {
    if (size > capacity_) return ge::GRAPH_FAILED;
    size_ = size;
    return ge::GRAPH_SUCCESS;
  }
  size_t GetCapacity() const { return capacity_; }
  const void* GetData() const { return elements; }
  void* MutableData() { return elements; }

  static constexpr size_t kOverHeadLength = 56;

 private:
  size_t capacity_;
  size_t size_;
  uint8_t reserved_[40];

 protected:
  uint8_t elements[8];
};

template <typename T>
class TypedContinuousVector : private ContinuousVector {
 public:
  using ContinuousVector::GetCapacity;
  using ContinuousVector::GetSize;
  using ContinuousVector::SetSize;

  T* MutableData() { return static_cast<T*>(ContinuousVector::MutableData()); }
  const T* GetData() const { return static_cast<const T*>(ContinuousVector::GetData()); }
};

// Vectors one behind the other; offset_ holds where each begins, from the start of the object.
class ContinuousVectorVector {
 public:
  void Init(const size_t capacity) {
    capacity_ = capacity;
    size_ = 0;
    std::memset(reserved_, 0, sizeof(reserved_));
    offset_[0] = GetOverHeadLength(capacity);
  }
  template <typename T>
  ContinuousVector* Add(const size_t inner_capacity) {
    if (size_ >= capacity_) return nullptr;
    size_t bytes = 0;
    if (__builtin_mul_overflow(inner_capacity, sizeof(T), &bytes)) return nullptr;
    size_t* const offsets = offset_;
    const size_t start = offsets[size_];
    ContinuousVector* const inner =
        reinterpret_cast<ContinuousVector*>(reinterpret_cast<uint8_t*>(this) + start);
    inner->Init(inner_capacity);
    offsets[++size_] = start + ContinuousVector::kOverHeadLength + bytes;
    return inner;
  }
  const ContinuousVector* Get(const size_t index) const {
    if (index >= size_) return nullptr;
    const size_t* const offsets = offset_;
    return reinterpret_cast<const ContinuousVector*>(reinterpret_cast<const uint8_t*>(this) +
                                                     offsets[index]);
  }
  size_t GetSize() const { return size_; }
  static size_t GetOverHeadLength(const size_t capacity) {
    return sizeof(ContinuousVectorVector) + capacity * sizeof(size_t);
  }

 private:
  size_t capacity_;
  size_t size_;
  uint8_t reserved_[40];
  size_t offset_[1];
};

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_CONTINUOUS_VECTOR_H_
