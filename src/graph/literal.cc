#include "graph/literal.h"

#include <cstdlib>
#include <cstring>

#include "graph/element.h"

namespace belay {

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
  literal->owner = std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  literal->data = memory;
  return literal;
}

std::shared_ptr<Literal> Literal::Copy(DType dtype, std::vector<int64_t> dims, const void* data) {
  std::shared_ptr<Literal> literal = Allocate(dtype, std::move(dims));
  const size_t bytes = static_cast<size_t>(literal->ByteSize());
  if (bytes) std::memcpy(literal->mutable_data(), data, bytes);
  return literal;
}

std::vector<int64_t> LiteralToInts(const Literal& literal) {
  std::vector<int64_t> out;
  const bool integer = IsInt(literal.dtype) || literal.dtype == DType::kBool || literal.dtype == DType::kI4 ||
                       literal.dtype == DType::kU4;
  if (!integer) return out;
  const int64_t n = literal.NumElements();
  for (int64_t i = 0; i < n; ++i) out.push_back(LoadInt(literal.dtype, literal.data, i));
  return out;
}

std::vector<double> LiteralToDoubles(const Literal& literal) {
  std::vector<double> out;
  const int64_t n = literal.NumElements();
  for (int64_t i = 0; i < n; ++i) out.push_back(LoadFloat(literal.dtype, literal.data, i));
  return out;
}

LiteralPtr LiteralFromInts(DType dtype, std::vector<int64_t> dims, const std::vector<int64_t>& values) {
  std::shared_ptr<Literal> literal = Literal::Allocate(dtype, std::move(dims));
  for (size_t i = 0; i < values.size(); ++i) {
    if (IsFloat(dtype)) {
      StoreFloat(dtype, literal->mutable_data(), static_cast<int64_t>(i), static_cast<double>(values[i]));
    } else {
      StoreInt(dtype, literal->mutable_data(), static_cast<int64_t>(i), values[i]);
    }
  }
  return literal;
}

LiteralPtr LiteralFromDoubles(DType dtype, std::vector<int64_t> dims, const std::vector<double>& values) {
  std::shared_ptr<Literal> literal = Literal::Allocate(dtype, std::move(dims));
  for (size_t i = 0; i < values.size(); ++i) {
    StoreFloat(dtype, literal->mutable_data(), static_cast<int64_t>(i), values[i]);
  }
  return literal;
}

}  // namespace belay
