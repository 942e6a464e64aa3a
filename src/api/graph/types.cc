#include "graph/types.h"

#include <cstring>

#include "api/graph/port_types.h"
#include "api/graph/type_names.h"
#include "base/ge_names.h"
#include "graph/utils/type_utils.h"

namespace ge {

TensorType::TensorType(DataType dt) : tensor_type_impl_(std::make_shared<TensorTypeImpl>()) {
  tensor_type_impl_->types.insert(dt);
}

TensorType::TensorType(const std::initializer_list<DataType>& initial_types)
    : tensor_type_impl_(std::make_shared<TensorTypeImpl>()) {
  tensor_type_impl_->types = initial_types;
}

Promote::Promote(const std::initializer_list<const char*>& syms)
    : data_(std::make_shared<std::vector<const char*>>(syms)) {}
Promote::Promote(Promote&& other) noexcept : data_(std::move(other.data_)) {}
Promote& Promote::operator=(Promote&& other) noexcept {
  data_ = std::move(other.data_);
  return *this;
}
std::vector<const char*> Promote::Syms() const {
  if (data_ == nullptr) return {};
  return *std::static_pointer_cast<std::vector<const char*>>(data_);
}

int64_t GetSizeInBytes(int64_t element_count, DataType data_type) {
  const int size = GetSizeByDataType(data_type);
  if (element_count < 0 || size < 0) return -1;
  int64_t bytes = 0;
  if (size <= kDataTypeSizeBitOffset) {
    return __builtin_mul_overflow(element_count, static_cast<int64_t>(size), &bytes) ? -1 : bytes;
  }
  const int64_t bits = size - kDataTypeSizeBitOffset;
  if (__builtin_mul_overflow(element_count, bits, &bytes)) return -1;
  return bytes / kBitNumOfOneByte + (bytes % kBitNumOfOneByte != 0 ? 1 : 0);
}

const char* DataTypeText(DataType type) { return belay::GeDTypeName(type); }

// Serialised names are the enumerators', unlike some of GetFormatName's.
const char* FormatText(Format format) { return belay::GeFormatName(format); }

const char_t* GetFormatName(Format format) {
  switch (format) {
    case FORMAT_FRACTAL_DECONV_SP_STRIDE8_TRANS: return "DECONV_SP_STRIDE8_TRANS";
    case FORMAT_HASHTABLE_LOOKUP_LOOKUPS: return "LOOKUP_LOOKUPS";
    case FORMAT_HASHTABLE_LOOKUP_KEYS: return "LOOKUP_KEYS";
    case FORMAT_HASHTABLE_LOOKUP_VALUE: return "LOOKUP_VALUE";
    case FORMAT_HASHTABLE_LOOKUP_OUTPUT: return "LOOKUP_OUTPUT";
    case FORMAT_HASHTABLE_LOOKUP_HITS: return "LOOKUP_HITS";
    case FORMAT_FRACTAL_ZZ:
    case FORMAT_RESERVED:
    case FORMAT_ALL:
    case FORMAT_NULL: return "UNKNOWN";
    default: return format < FORMAT_END ? FormatText(format) : "UNKNOWN";
  }
}

DataType DataTypeOfText(const char* text) {
  for (uint32_t i = 0; i < DT_MAX; ++i) {
    const char* name = DataTypeText(static_cast<DataType>(i));
    if (name != nullptr && std::strcmp(name, text) == 0) return static_cast<DataType>(i);
  }
  return DT_UNDEFINED;
}

Format FormatOfText(const char* text) {
  for (uint32_t i = 0; i < FORMAT_END; ++i) {
    if (std::strcmp(FormatText(static_cast<Format>(i)), text) == 0) return static_cast<Format>(i);
  }
  return FORMAT_RESERVED;
}

bool TypeUtils::GetDataTypeLength(const DataType data_type, uint32_t& length) {
  const bool text = data_type == DT_STRING || data_type == DT_STRING_REF;
  const int64_t size = text ? static_cast<int64_t>(sizeof(StringHead)) : GetSizeInBytes(1, data_type);
  if (size <= 0) return false;
  length = static_cast<uint32_t>(size);
  return true;
}

}  // namespace ge
