#ifndef GRAPH_TYPES_H_
#define GRAPH_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "graph/ge_error_codes.h"

namespace ge {

using char_t = char;
using float32_t = float;
using float64_t = double;
using vector_bit_t = std::vector<bool>;

// Later releases add types: compare with the ones you know, never with DT_MAX.
enum DataType : uint32_t {
  DT_FLOAT = 0,
  DT_FLOAT16 = 1,
  DT_INT8 = 2,
  DT_INT32 = 3,
  DT_UINT8 = 4,
  DT_INT16 = 6,
  DT_UINT16 = 7,
  DT_UINT32 = 8,
  DT_INT64 = 9,
  DT_UINT64 = 10,
  DT_DOUBLE = 11,
  DT_BOOL = 12,
  DT_STRING = 13,
  DT_DUAL_SUB_INT8 = 14,
  DT_DUAL_SUB_UINT8 = 15,
  DT_COMPLEX64 = 16,
  DT_COMPLEX128 = 17,
  DT_QINT8 = 18,
  DT_QINT16 = 19,
  DT_QINT32 = 20,
  DT_QUINT8 = 21,
  DT_QUINT16 = 22,
  DT_RESOURCE = 23,
  DT_STRING_REF = 24,
  DT_DUAL = 25,
  DT_VARIANT = 26,
  DT_BF16 = 27,
  DT_UNDEFINED = 28,
  DT_INT4 = 29,
  DT_UINT1 = 30,
  DT_INT2 = 31,
  DT_UINT2 = 32,
  DT_COMPLEX32 = 33,
  DT_HIFLOAT8 = 34,
  DT_FLOAT8_E5M2 = 35,
  DT_FLOAT8_E4M3FN = 36,
  DT_FLOAT8_E8M0 = 37,
  DT_FLOAT6_E3M2 = 38,
  DT_FLOAT6_E2M3 = 39,
  DT_FLOAT4_E2M1 = 40,
  DT_FLOAT4_E1M2 = 41,
  DT_MAX = 42
};

enum Format : uint32_t {
  FORMAT_NCHW = 0,
  FORMAT_NHWC = 1,
  FORMAT_ND = 2,
  FORMAT_NC1HWC0 = 3,
  FORMAT_FRACTAL_Z = 4,
  FORMAT_NC1C0HWPAD = 5,
  FORMAT_NHWC1C0 = 6,
  FORMAT_FSR_NCHW = 7,
  FORMAT_FRACTAL_DECONV = 8,
  FORMAT_C1HWNC0 = 9,
  FORMAT_FRACTAL_DECONV_TRANSPOSE = 10,
  FORMAT_FRACTAL_DECONV_SP_STRIDE_TRANS = 11,
  FORMAT_NC1HWC0_C04 = 12,
  FORMAT_FRACTAL_Z_C04 = 13,
  FORMAT_CHWN = 14,
  FORMAT_FRACTAL_DECONV_SP_STRIDE8_TRANS = 15,
  FORMAT_HWCN = 16,
  FORMAT_NC1KHKWHWC0 = 17,
  FORMAT_BN_WEIGHT = 18,
  FORMAT_FILTER_HWCK = 19,
  FORMAT_HASHTABLE_LOOKUP_LOOKUPS = 20,
  FORMAT_HASHTABLE_LOOKUP_KEYS = 21,
  FORMAT_HASHTABLE_LOOKUP_VALUE = 22,
  FORMAT_HASHTABLE_LOOKUP_OUTPUT = 23,
  FORMAT_HASHTABLE_LOOKUP_HITS = 24,
  FORMAT_C1HWNCoC0 = 25,
  FORMAT_MD = 26,
  FORMAT_NDHWC = 27,
  FORMAT_FRACTAL_ZZ = 28,
  FORMAT_FRACTAL_NZ = 29,
  FORMAT_NCDHW = 30,
  FORMAT_DHWCN = 31,
  FORMAT_NDC1HWC0 = 32,
  FORMAT_FRACTAL_Z_3D = 33,
  FORMAT_CN = 34,
  FORMAT_NC = 35,
  FORMAT_DHWNC = 36,
  FORMAT_FRACTAL_Z_3D_TRANSPOSE = 37,
  FORMAT_FRACTAL_ZN_LSTM = 38,
  FORMAT_FRACTAL_Z_G = 39,
  FORMAT_RESERVED = 40,
  FORMAT_ALL = 41,
  FORMAT_NULL = 42,
  FORMAT_ND_RNN_BIAS = 43,
  FORMAT_FRACTAL_ZN_RNN = 44,
  FORMAT_NYUV = 45,
  FORMAT_NYUV_A = 46,
  FORMAT_NCL = 47,
  FORMAT_FRACTAL_Z_WINO = 48,
  FORMAT_END = 49,
  FORMAT_MAX = 255
};

enum UnknowShapeOpType : uint32_t {
  DEPEND_IN_SHAPE = 1,
  DEPEND_CONST_VALUE = 2,
  DEPEND_SHAPE_RANGE = 3,
  DEPEND_COMPUTE = 4
};

enum DeviceType : uint32_t { NPU = 0, CPU = 1 };

enum Placement : uint32_t { kPlacementHost = 0, kPlacementDevice = 1, kPlacementEnd = 2 };

constexpr int64_t UNKNOWN_DIM = -1;
constexpr int64_t UNKNOWN_DIM_NUM = -2;
const std::vector<int64_t> UNKNOWN_SHAPE = {UNKNOWN_DIM};
const std::vector<int64_t> UNKNOWN_RANK = {UNKNOWN_DIM_NUM};

// Sizes above this are bits: value minus kDataTypeSizeBitOffset.
constexpr int kDataTypeSizeBitOffset = 1000;
constexpr int32_t kBitNumOfOneByte = 8;

struct StringHead {
  int64_t addr;
  int64_t len;
};

struct TensorDescInfo {
  Format format_ = FORMAT_RESERVED;
  DataType dataType_ = DT_UNDEFINED;
};

// Bytes of one element, kDataTypeSizeBitOffset + bits for packed types, -1 when there is no size.
inline int GetSizeByDataType(DataType data_type) {
  static const int kSizes[] = {4,  2,  1,  4, 1, -1, 2, 2, 4, 8,  8,    8,    1,    -1, 1,
                               1,  8,  16, 1, 2, 4,  1, 2, 8, -1, 5,    8,    2,    -1, 1004,
                               1001, 1002, 1002, 4, 1, 1, 1, 1, 1006, 1006, 1004, 1004};
  const size_t index = static_cast<size_t>(data_type);
  return index < sizeof(kSizes) / sizeof(kSizes[0]) ? kSizes[index] : -1;
}

// Bytes of element_count elements, -1 when negative, too large or without a size.
int64_t GetSizeInBytes(int64_t element_count, DataType data_type);

// A packed format: bits 0-7 the primary format, 8-23 the sub-format, 24-27 the code of C0.
inline int32_t GetFormatFromSub(int32_t primary_format, int32_t sub_format) {
  return static_cast<int32_t>((static_cast<uint32_t>(primary_format) & 0xFFU) |
                              ((static_cast<uint32_t>(sub_format) & 0xFFFFU) << 8U));
}

inline int32_t GetFormatFromC0(int32_t format, int32_t c0_format) {
  return static_cast<int32_t>((static_cast<uint32_t>(format) & 0xFFFFFFU) |
                              ((static_cast<uint32_t>(c0_format) & 0xFU) << 24U));
}

inline int32_t GetFormatFromSubAndC0(int32_t primary_format, int32_t sub_format,
                                     int32_t c0_format) {
  return GetFormatFromC0(GetFormatFromSub(primary_format, sub_format), c0_format);
}

inline int32_t GetPrimaryFormat(int32_t format) {
  return static_cast<int32_t>(static_cast<uint32_t>(format) & 0xFFU);
}

inline int32_t GetSubFormat(int32_t format) {
  return static_cast<int32_t>((static_cast<uint32_t>(format) >> 8U) & 0xFFFFU);
}

inline bool HasSubFormat(int32_t format) { return GetSubFormat(format) > 0; }

inline int32_t GetC0Format(int32_t format) {
  return static_cast<int32_t>((static_cast<uint32_t>(format) >> 24U) & 0xFU);
}

inline bool HasC0Format(int32_t format) { return GetC0Format(format) > 0; }

// The number of channels in a block, 0 when the format names none.
inline int64_t GetC0Value(int32_t format) {
  return HasC0Format(format) ? static_cast<int64_t>(1) << (GetC0Format(format) - 1) : 0;
}

const char_t* GetFormatName(Format format);

class TensorTypeImpl;

// The set of types a port takes.
class TensorType {
 public:
  explicit TensorType(DataType dt);
  TensorType(const std::initializer_list<DataType>& initial_types);  // NOLINT: implicit by contract

  static TensorType ALL() {
    return TensorType({DT_BOOL, DT_COMPLEX128, DT_COMPLEX64, DT_DOUBLE, DT_FLOAT, DT_FLOAT16,
                       DT_INT16, DT_INT32, DT_INT64, DT_INT8, DT_QINT16, DT_QINT32, DT_QINT8,
                       DT_QUINT16, DT_QUINT8, DT_RESOURCE, DT_STRING, DT_UINT16, DT_UINT32,
                       DT_UINT64, DT_UINT8, DT_BF16, DT_COMPLEX32});
  }
  static TensorType QuantifiedType() {
    return TensorType({DT_QINT16, DT_QINT32, DT_QINT8, DT_QUINT16, DT_QUINT8});
  }
  static TensorType OrdinaryType() {
    return TensorType({DT_BOOL, DT_COMPLEX128, DT_COMPLEX64, DT_DOUBLE, DT_FLOAT, DT_FLOAT16,
                       DT_INT16, DT_INT32, DT_INT64, DT_INT8, DT_UINT16, DT_UINT32, DT_UINT64,
                       DT_UINT8, DT_BF16, DT_COMPLEX32});
  }
  static TensorType BasicType() {
    return TensorType({DT_COMPLEX128, DT_COMPLEX64, DT_DOUBLE, DT_FLOAT, DT_FLOAT16, DT_INT16,
                       DT_INT32, DT_INT64, DT_INT8, DT_QINT16, DT_QINT32, DT_QINT8, DT_QUINT16,
                       DT_QUINT8, DT_UINT16, DT_UINT32, DT_UINT64, DT_UINT8, DT_BF16,
                       DT_COMPLEX32});
  }
  static TensorType NumberType() {
    return TensorType({DT_COMPLEX128, DT_COMPLEX64, DT_DOUBLE, DT_FLOAT, DT_FLOAT16, DT_INT16,
                       DT_INT32, DT_INT64, DT_INT8, DT_QINT32, DT_QINT8, DT_QUINT8, DT_UINT16,
                       DT_UINT32, DT_UINT64, DT_UINT8, DT_BF16, DT_COMPLEX32});
  }
  static TensorType RealNumberType() {
    return TensorType({DT_DOUBLE, DT_FLOAT, DT_FLOAT16, DT_INT16, DT_INT32, DT_INT64, DT_INT8,
                       DT_UINT16, DT_UINT32, DT_UINT64, DT_UINT8, DT_BF16});
  }
  static TensorType ComplexDataType() {
    return TensorType({DT_COMPLEX128, DT_COMPLEX64, DT_COMPLEX32});
  }
  static TensorType IntegerDataType() {
    return TensorType({DT_INT16, DT_INT32, DT_INT64, DT_INT8, DT_UINT16, DT_UINT32, DT_UINT64,
                       DT_UINT8});
  }
  static TensorType SignedDataType() { return TensorType({DT_INT16, DT_INT32, DT_INT64, DT_INT8}); }
  static TensorType UnsignedDataType() {
    return TensorType({DT_UINT16, DT_UINT32, DT_UINT64, DT_UINT8});
  }
  static TensorType FloatingDataType() { return TensorType({DT_DOUBLE, DT_FLOAT, DT_FLOAT16}); }
  static TensorType IndexNumberType() { return TensorType({DT_INT32, DT_INT64}); }
  static TensorType UnaryDataType() {
    return TensorType({DT_COMPLEX128, DT_COMPLEX64, DT_DOUBLE, DT_FLOAT, DT_FLOAT16, DT_BF16,
                       DT_COMPLEX32});
  }
  static TensorType FLOAT() { return TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}); }

 private:
  friend class TensorTypeAdapter;
  std::shared_ptr<TensorTypeImpl> tensor_type_impl_;
};

struct ListTensorType {
  explicit ListTensorType(const TensorType& type) : tensor_type(type) {}
  TensorType tensor_type;
};

// The type that the types of other symbols promote to.
class Promote {
 public:
  Promote(const std::initializer_list<const char*>& syms);  // NOLINT: implicit by contract
  Promote(Promote&& other) noexcept;
  Promote& operator=(Promote&& other) noexcept;
  Promote(const Promote& other) = delete;
  Promote& operator=(const Promote& other) = delete;
  std::vector<const char*> Syms() const;

 private:
  std::shared_ptr<void> data_;
};

}  // namespace ge

namespace domi {
using char_t = ge::char_t;
using float32_t = ge::float32_t;
using float64_t = ge::float64_t;

enum class ImplyType : uint32_t {
  BUILDIN = 0,
  TVM = 1,
  CUSTOM = 2,
  AI_CPU = 3,
  CCE = 4,
  GELOCAL = 5,
  HCCL = 6,
  INVALID = 0xFFFFFFFF
};
}  // namespace domi

#endif  // GRAPH_TYPES_H_
