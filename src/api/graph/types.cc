#include "graph/types.h"

#include <cstring>

#include "api/graph/port_types.h"
#include "api/graph/type_names.h"
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

const char* DataTypeText(DataType type) {
  static const char* const kNames[] = {
      "DT_FLOAT", "DT_FLOAT16", "DT_INT8", "DT_INT32", "DT_UINT8", nullptr, "DT_INT16",
      "DT_UINT16", "DT_UINT32", "DT_INT64", "DT_UINT64", "DT_DOUBLE", "DT_BOOL", "DT_STRING",
      "DT_DUAL_SUB_INT8", "DT_DUAL_SUB_UINT8", "DT_COMPLEX64", "DT_COMPLEX128", "DT_QINT8",
      "DT_QINT16", "DT_QINT32", "DT_QUINT8", "DT_QUINT16", "DT_RESOURCE", "DT_STRING_REF",
      "DT_DUAL", "DT_VARIANT", "DT_BF16", "DT_UNDEFINED", "DT_INT4", "DT_UINT1", "DT_INT2",
      "DT_UINT2", "DT_COMPLEX32", "DT_HIFLOAT8", "DT_FLOAT8_E5M2", "DT_FLOAT8_E4M3FN",
      "DT_FLOAT8_E8M0", "DT_FLOAT6_E3M2", "DT_FLOAT6_E2M3", "DT_FLOAT4_E2M1", "DT_FLOAT4_E1M2"};
  const size_t index = type;
  return index < sizeof(kNames) / sizeof(kNames[0]) ? kNames[index] : nullptr;
}

const char_t* GetFormatName(Format format) {
  static const char* const kNames[] = {
      "NCHW", "NHWC", "ND", "NC1HWC0", "FRACTAL_Z", "NC1C0HWPAD", "NHWC1C0", "FSR_NCHW",
      "FRACTAL_DECONV", "C1HWNC0", "FRACTAL_DECONV_TRANSPOSE", "FRACTAL_DECONV_SP_STRIDE_TRANS",
      "NC1HWC0_C04", "FRACTAL_Z_C04", "CHWN", "DECONV_SP_STRIDE8_TRANS", "HWCN", "NC1KHKWHWC0",
      "BN_WEIGHT", "FILTER_HWCK", "LOOKUP_LOOKUPS", "LOOKUP_KEYS", "LOOKUP_VALUE", "LOOKUP_OUTPUT",
      "LOOKUP_HITS", "C1HWNCoC0", "MD", "NDHWC", "UNKNOWN", "FRACTAL_NZ", "NCDHW", "DHWCN",
      "NDC1HWC0", "FRACTAL_Z_3D", "CN", "NC", "DHWNC", "FRACTAL_Z_3D_TRANSPOSE",
      "FRACTAL_ZN_LSTM", "FRACTAL_Z_G", "UNKNOWN", "UNKNOWN", "UNKNOWN", "ND_RNN_BIAS",
      "FRACTAL_ZN_RNN", "NYUV", "NYUV_A", "NCL", "FRACTAL_Z_WINO"};
  static_assert(sizeof(kNames) / sizeof(kNames[0]) == FORMAT_END, "one name per format");
  return format < FORMAT_END ? kNames[format] : "UNKNOWN";
}

DataType DataTypeOfText(const char* text) {
  for (uint32_t i = 0; i < DT_MAX; ++i) {
    const char* name = DataTypeText(static_cast<DataType>(i));
    if (name != nullptr && std::strcmp(name, text) == 0) return static_cast<DataType>(i);
  }
  return DT_UNDEFINED;
}

// Serialised names are the enumerators', unlike some that GetFormatName gives.
const char* FormatText(Format format) {
  switch (format) {
    case FORMAT_FRACTAL_DECONV_SP_STRIDE8_TRANS: return "FRACTAL_DECONV_SP_STRIDE8_TRANS";
    case FORMAT_HASHTABLE_LOOKUP_LOOKUPS: return "HASHTABLE_LOOKUP_LOOKUPS";
    case FORMAT_HASHTABLE_LOOKUP_KEYS: return "HASHTABLE_LOOKUP_KEYS";
    case FORMAT_HASHTABLE_LOOKUP_VALUE: return "HASHTABLE_LOOKUP_VALUE";
    case FORMAT_HASHTABLE_LOOKUP_OUTPUT: return "HASHTABLE_LOOKUP_OUTPUT";
    case FORMAT_HASHTABLE_LOOKUP_HITS: return "HASHTABLE_LOOKUP_HITS";
    case FORMAT_FRACTAL_ZZ: return "FRACTAL_ZZ";
    case FORMAT_RESERVED: return "RESERVED";
    case FORMAT_ALL: return "ALL";
    case FORMAT_NULL: return "NULL";
    default: return format < FORMAT_END ? GetFormatName(format) : nullptr;
  }
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
