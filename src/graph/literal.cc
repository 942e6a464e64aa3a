#include "graph/literal.h"

#include <cstdlib>
#include <cstring>

#include "base/allocate.h"
#include "base/narrow.h"
#include "graph/number.h"

namespace belay {
namespace {

// Element i of a packed row: `bits` bits from bit i * bits on, low bits first.
uint8_t LoadBits(const uint8_t* packed, int64_t i, int bits) {
  const int64_t at = i * bits;
  unsigned word = packed[at / 8];
  if (at % 8 + bits > 8) word |= static_cast<unsigned>(packed[at / 8 + 1]) << 8;
  return static_cast<uint8_t>(word >> (at % 8) & ((1u << bits) - 1));
}

void StoreBits(uint8_t* packed, int64_t i, int bits, uint8_t code) {
  const int64_t at = i * bits;
  const unsigned word = (code & ((1u << bits) - 1)) << (at % 8);
  packed[at / 8] = static_cast<uint8_t>(packed[at / 8] | word);
  if (at % 8 + bits > 8) packed[at / 8 + 1] = static_cast<uint8_t>(packed[at / 8 + 1] | word >> 8);
}

// Of narrow elements; `code` gives the bits of each, those above its width are cut off.
template <typename Code>
LiteralPtr FromCodes(DType dtype, std::vector<int64_t> dims, Code code) {
  auto literal = Literal::Allocate(dtype, std::move(dims));
  auto* packed = static_cast<uint8_t*>(literal->mutable_data());
  const int64_t n = literal->NumElements();
  for (int64_t i = 0; i < n; ++i) StoreBits(packed, i, BitWidth(dtype), code(i));
  return literal;
}

std::vector<double> NarrowToDoubles(const Literal& literal) {
  std::vector<double> out(literal.NumElements());
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t code = LoadBits(literal.as<uint8_t>(), i, BitWidth(literal.dtype));
    out[i] = NarrowToDouble(literal.dtype, code);
  }
  return out;
}

// Numbers as `data` has them; zeros without.
std::shared_ptr<Literal> Filled(DType dtype, std::vector<int64_t> dims, const void* data) {
  auto literal = std::make_shared<Literal>();
  literal->dtype = dtype;
  literal->dims = std::move(dims);
  const size_t bytes = static_cast<size_t>(literal->ByteSize()), copied = data ? bytes : 0;
  const std::shared_ptr<void> owner = AllocatePassing(bytes + kReadBehind);
  char* memory = static_cast<char*>(owner.get());
  literal->owner = owner;
  literal->address = memory;
  if (copied) std::memcpy(memory, data, copied);
  std::memset(memory + copied, 0, bytes + kReadBehind - copied);
  return literal;
}

}  // namespace

std::shared_ptr<const void> LateBytes::Hold() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (pinned_) return pinned_;
  std::shared_ptr<const void> held = held_.lock();
  if (!held) held_ = held = make_();
  return held;
}

const void* LateBytes::Pin() {
  if (const void* known = address_.load(std::memory_order_acquire)) return known;
  std::shared_ptr<const void> held = Hold();
  std::lock_guard<std::mutex> lock(mutex_);
  if (!pinned_) {
    pinned_ = std::move(held);
    make_ = nullptr;
    address_.store(pinned_.get(), std::memory_order_release);
  }
  return pinned_.get();
}

LiteralPtr Held(const LiteralPtr& literal) {
  if (!literal->late) return literal;
  auto held = std::make_shared<Literal>(*literal);
  held->late = nullptr;
  held->owner = literal->late->Hold();
  held->address = held->owner.get();
  return held;
}

ContentHash HashOf(const Literal& literal) {
  if (literal.late) return literal.late->hash();
  return HashContents(literal.address, static_cast<size_t>(literal.ByteSize()));
}

int64_t Literal::NumElements() const {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

std::shared_ptr<Literal> Literal::Allocate(DType dtype, std::vector<int64_t> dims) {
  if (dtype != DType::kString) return Filled(dtype, std::move(dims), nullptr);
  auto literal = std::make_shared<Literal>();
  literal->dtype = dtype;
  literal->dims = std::move(dims);
  literal->strings = std::make_shared<std::vector<std::string>>(literal->NumElements());
  return literal;
}

std::shared_ptr<Literal> Literal::Copy(DType dtype, std::vector<int64_t> dims, const void* data) {
  if (dtype == DType::kString) return Allocate(dtype, std::move(dims));
  return Filled(dtype, std::move(dims), data);
}

LiteralPtr Unpacked(const Literal& literal) {
  const DType storage = StorageOf(literal.dtype);
  auto out = Literal::Allocate(storage, literal.dims);
  auto* bytes = static_cast<uint8_t*>(out->mutable_data());
  const int bits = BitWidth(literal.dtype);
  const int above = storage == DType::kI8 ? 8 - bits : 0;
  const int64_t n = out->NumElements();
  for (int64_t i = 0; i < n; ++i) {
    const auto high = static_cast<int8_t>(LoadBits(literal.as<uint8_t>(), i, bits) << above);
    bytes[i] = above ? static_cast<uint8_t>(high >> above) : static_cast<uint8_t>(high);
  }
  return out;
}

LiteralPtr Packed(const Literal& storage, DType dtype) {
  return FromCodes(dtype, storage.dims, [&](int64_t i) { return storage.as<uint8_t>()[i]; });
}

std::vector<int64_t> LiteralToInts(const Literal& literal) {
  const int64_t n = literal.NumElements();
  std::vector<int64_t> out;
  if (IsSmallInt(literal.dtype)) {
    for (double v : NarrowToDoubles(literal)) out.push_back(static_cast<int64_t>(v));
    return out;
  }
  if (!IsInt(literal.dtype) && literal.dtype != DType::kBool) return out;
  out.resize(n);
  VisitNumber(literal.dtype, [&]<typename T>(T) {
    const T* data = literal.as<T>();
    for (int64_t i = 0; i < n; ++i) out[i] = LoadInt(data[i]);
  });
  return out;
}

std::vector<double> LiteralToDoubles(const Literal& literal) {
  const int64_t n = literal.NumElements();
  if (IsNarrow(literal.dtype)) return NarrowToDoubles(literal);
  std::vector<double> out;
  VisitNumber(literal.dtype, [&]<typename T>(T) {
    out.resize(n);
    const T* data = literal.as<T>();
    for (int64_t i = 0; i < n; ++i) out[i] = LoadDouble(data[i]);
  });
  return out;
}

LiteralPtr LiteralFromTexts(std::vector<int64_t> dims, std::vector<std::string> texts) {
  auto literal = std::make_shared<Literal>();
  literal->dtype = DType::kString;
  literal->dims = std::move(dims);
  literal->strings = std::make_shared<std::vector<std::string>>(std::move(texts));
  return literal;
}

LiteralPtr LiteralFromInts(DType dtype, std::vector<int64_t> dims,
                           const std::vector<int64_t>& values) {
  if (IsSmallInt(dtype)) {
    return FromCodes(dtype, std::move(dims), [&](int64_t i) { return static_cast<uint8_t>(values[i]); });
  }
  if (IsNarrow(dtype)) {
    return LiteralFromDoubles(dtype, std::move(dims), std::vector<double>(values.begin(), values.end()));
  }
  auto literal = Literal::Allocate(dtype, std::move(dims));
  VisitNumber(dtype, [&]<typename T>(T) {
    T* data = static_cast<T*>(literal->mutable_data());
    for (size_t i = 0; i < values.size(); ++i) data[i] = StoreInt<T>(values[i]);
  });
  return literal;
}

LiteralPtr LiteralFromDoubles(DType dtype, std::vector<int64_t> dims,
                              const std::vector<double>& values) {
  if (IsNarrow(dtype)) {
    return FromCodes(dtype, std::move(dims),
                     [&](int64_t i) { return DoubleToNarrow(dtype, values[i], {.saturate = false}); });
  }
  auto literal = Literal::Allocate(dtype, std::move(dims));
  VisitNumber(dtype, [&]<typename T>(T) {
    T* data = static_cast<T*>(literal->mutable_data());
    for (size_t i = 0; i < values.size(); ++i) data[i] = StoreDouble<T>(values[i]);
  });
  return literal;
}

}  // namespace belay
