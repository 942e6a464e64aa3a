// A host tensor with constant extents: weights, attribute tensors, interpreter values.
#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/content_hash.h"
#include "base/dtype.h"

namespace belay {

// Contents that are made when somebody asks for them: the bytes of a file, what a pass computes.
class LateBytes {
 public:
  // `hash` names the contents: theirs, or one of all that decides them. `make` gives kReadBehind bytes more; what it
  // throws comes out of Hold and Pin.
  LateBytes(const ContentHash& hash, std::function<std::shared_ptr<const void>()> make)
      : hash_(hash), make_(std::move(make)) {}
  const ContentHash& hash() const { return hash_; }
  // For as long as the caller has them; made anew when nobody has.
  std::shared_ptr<const void> Hold();
  // For as long as this lives.
  const void* Pin();

 private:
  const ContentHash hash_;
  std::mutex mutex_;
  std::function<std::shared_ptr<const void>()> make_;
  std::weak_ptr<const void> held_;
  std::shared_ptr<const void> pinned_;
  std::atomic<const void*> address_{nullptr};  // of the pinned ones
};

struct Literal {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  std::shared_ptr<const void> owner;  // keeps `address` alive
  const void* address = nullptr;      // row-major, packed; nullptr when empty or late
  std::shared_ptr<LateBytes> late;    // shared by copies of the literal with other extents
  std::shared_ptr<std::vector<std::string>> strings;  // kString only

  int64_t NumElements() const;
  int64_t ByteSize() const { return belay::ByteSize(dtype, NumElements()); }
  template <typename T>
  const T* as() const { return static_cast<const T*>(data()); }

  // Equal where two surely hold the same bytes.
  const void* Identity() const { return late ? late.get() : address ? address : static_cast<const void*>(this); }

  static std::shared_ptr<Literal> Allocate(DType dtype, std::vector<int64_t> dims);  // zero-filled
  static std::shared_ptr<Literal> Copy(DType dtype, std::vector<int64_t> dims, const void* data);
  const void* data() const { return late ? late->Pin() : address; }
  void* mutable_data() { return const_cast<void*>(address); }  // for who just allocated it
};
using LiteralPtr = std::shared_ptr<const Literal>;

// A literal of which so many bytes or more may be worth making late.
inline constexpr int64_t kLateBytes = 1 << 16;
// The same with its bytes at hand as long as the result lives, and no longer.
LiteralPtr Held(const LiteralPtr& literal);
// Equal for literals of equal bytes that are late, or that are not.
ContentHash HashOf(const Literal& literal);

// Narrow elements, each in a byte of its own: see StorageOf; and back.
LiteralPtr Unpacked(const Literal& literal);
LiteralPtr Packed(const Literal& storage, DType dtype);

// Any integer or bool literal as int64; empty when the dtype is something else.
std::vector<int64_t> LiteralToInts(const Literal& literal);
// Any numeric literal as double.
std::vector<double> LiteralToDoubles(const Literal& literal);
LiteralPtr LiteralFromTexts(std::vector<int64_t> dims, std::vector<std::string> texts);
LiteralPtr LiteralFromInts(DType dtype, std::vector<int64_t> dims, const std::vector<int64_t>& values);
// Rounds once to `dtype`; integers are truncated.
LiteralPtr LiteralFromDoubles(DType dtype, std::vector<int64_t> dims, const std::vector<double>& values);

}  // namespace belay
