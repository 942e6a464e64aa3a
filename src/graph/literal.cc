#include "graph/literal.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "graph/number.h"

namespace belay {
namespace {

int64_t SubByte(const Literal& literal, int64_t i, int bits, bool is_signed) {
  const int64_t at = i * bits;
  const int raw = (literal.as<uint8_t>()[at / 8] >> (at % 8)) & ((1 << bits) - 1);
  return is_signed && (raw >> (bits - 1)) ? raw - (1 << bits) : raw;
}

void StoreSubByte(Literal& literal, int64_t i, int bits, int64_t value) {
  const int64_t at = i * bits;
  const int mask = (1 << bits) - 1;
  uint8_t& byte = static_cast<uint8_t*>(literal.mutable_data())[at / 8];
  byte = static_cast<uint8_t>((byte & ~(mask << (at % 8))) | ((value & mask) << (at % 8)));
}

bool IsSubByteInt(DType d) {
  return d == DType::kI4 || d == DType::kU4 || d == DType::kI2 || d == DType::kU2 ||
         d == DType::kU1;
}

}  // namespace

int64_t Literal::NumElements() const {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

std::shared_ptr<Literal> Literal::Allocate(DType dtype, std::vector<int64_t> dims) {
  auto literal = std::make_shared<Literal>();
  literal->dtype = dtype;
  literal->dims = std::move(dims);
  if (dtype == DType::kString) {
    literal->strings = std::make_shared<std::vector<std::string>>(literal->NumElements());
    return literal;
  }
  // 64 spare bytes: kernels read whole vectors.
  const size_t bytes = (static_cast<size_t>(literal->ByteSize()) + 127) / 64 * 64;
  void* memory = std::aligned_alloc(64, bytes);
  if (!memory) throw std::bad_alloc();
  std::memset(memory, 0, bytes);
  literal->owner =
      std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  literal->data = memory;
  return literal;
}

std::shared_ptr<Literal> Literal::Copy(DType dtype, std::vector<int64_t> dims, const void* data) {
  auto literal = Allocate(dtype, std::move(dims));
  const size_t bytes = static_cast<size_t>(literal->ByteSize());
  if (bytes) std::memcpy(literal->mutable_data(), data, bytes);
  return literal;
}

std::vector<int64_t> LiteralToInts(const Literal& literal) {
  const int64_t n = literal.NumElements();
  std::vector<int64_t> out;
  if (IsSubByteInt(literal.dtype)) {
    const bool is_signed = literal.dtype == DType::kI4 || literal.dtype == DType::kI2;
    for (int64_t i = 0; i < n; ++i) {
      out.push_back(SubByte(literal, i, BitWidth(literal.dtype), is_signed));
    }
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
  if (IsSubByteInt(literal.dtype)) {
    std::vector<int64_t> ints = LiteralToInts(literal);
    return {ints.begin(), ints.end()};
  }
  std::vector<double> out;
  VisitNumber(literal.dtype, [&]<typename T>(T) {
    out.resize(n);
    const T* data = literal.as<T>();
    for (int64_t i = 0; i < n; ++i) out[i] = LoadDouble(data[i]);
  });
  return out;
}

LiteralPtr LiteralFromInts(DType dtype, std::vector<int64_t> dims,
                           const std::vector<int64_t>& values) {
  auto literal = Literal::Allocate(dtype, std::move(dims));
  if (IsSubByteInt(dtype)) {
    for (size_t i = 0; i < values.size(); ++i)
      StoreSubByte(*literal, i, BitWidth(dtype), values[i]);
    return literal;
  }
  VisitNumber(dtype, [&]<typename T>(T) {
    T* data = static_cast<T*>(literal->mutable_data());
    for (size_t i = 0; i < values.size(); ++i) data[i] = StoreInt<T>(values[i]);
  });
  return literal;
}

LiteralPtr LiteralFromDoubles(DType dtype, std::vector<int64_t> dims,
                              const std::vector<double>& values) {
  if (IsSubByteInt(dtype)) {
    std::vector<int64_t> ints;
    for (double v : values) ints.push_back(StoreDouble<int64_t>(v));
    return LiteralFromInts(dtype, std::move(dims), ints);
  }
  auto literal = Literal::Allocate(dtype, std::move(dims));
  VisitNumber(dtype, [&]<typename T>(T) {
    T* data = static_cast<T*>(literal->mutable_data());
    for (size_t i = 0; i < values.size(); ++i) data[i] = StoreDouble<T>(values[i]);
  });
  return literal;
}

}  // namespace belay
