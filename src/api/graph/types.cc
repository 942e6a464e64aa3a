#include "graph/types.h"

#include <limits>
#include <set>

#include "ge/ge_api_error_codes.h"

namespace ge {

class TensorTypeImpl {
 public:
  std::set<DataType> types;
};

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

StatusFactory* StatusFactory::Instance() {
  // Never destroyed: programs ask for texts while they end.
  struct Factory : StatusFactory {
    Factory() {
      RegisterErrorNo(SUCCESS, "Success");
      RegisterErrorNo(FAILED, "Failed");
    }
  };
  static Factory* const factory = new Factory();
  return factory;
}

}  // namespace ge
