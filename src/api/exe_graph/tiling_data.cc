#include "exe_graph/runtime/tiling_data.h"

#include <cmath>
#include <limits>

#include "base/half.h"

namespace gert {
namespace {

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

template <typename To, typename From>
bool Convert(From value, To* out) {
  if constexpr (std::is_integral_v<To> && std::is_integral_v<From>) {
    const int64_t wide = static_cast<int64_t>(value);
    if (wide < static_cast<int64_t>(std::numeric_limits<To>::min())) return false;
    if (wide > static_cast<int64_t>(std::numeric_limits<To>::max())) return false;
  } else if constexpr (std::is_integral_v<To>) {
    const double whole = std::trunc(value);
    const double end = std::ldexp(1.0, std::numeric_limits<To>::digits);  // one past the largest
    if (!(whole >= static_cast<double>(std::numeric_limits<To>::min()) && whole < end)) return false;
  }
  *out = static_cast<To>(value);
  return true;
}
template <typename From>
bool Convert(From value, Half* out) {
  out->bits = belay::FloatToHalf(static_cast<double>(value));
  return true;
}
template <typename From>
bool Convert(From value, BFloat* out) {
  out->bits = belay::FloatToBFloat(static_cast<double>(value));
  return true;
}

template <typename To, typename From>
bool AppendAll(const From* values, size_t count, TilingData* data) {
  const size_t before = data->GetDataSize();
  for (size_t i = 0; i < count; ++i) {
    To to;
    if (Convert(values[i], &to) && data->Append(to) == ge::GRAPH_SUCCESS) continue;
    data->SetDataSize(before);
    return false;
  }
  return true;
}

// One value, or the elements of a list, as dst says; lists stay lists.
template <typename From>
bool AppendAs(const From* values, size_t count, bool is_list, AttrDataType dst, TilingData* data) {
  if (is_list) {
    switch (dst) {
      case AttrDataType::kListInt32: return AppendAll<int32_t>(values, count, data);
      case AttrDataType::kListInt64: return AppendAll<int64_t>(values, count, data);
      case AttrDataType::kListUint32: return AppendAll<uint32_t>(values, count, data);
      case AttrDataType::kListFloat32: return AppendAll<float>(values, count, data);
      case AttrDataType::kListFloat16: return AppendAll<Half>(values, count, data);
      default: return false;
    }
  }
  switch (dst) {
    case AttrDataType::kBool: return AppendAll<bool>(values, count, data);
    case AttrDataType::kInt32: return AppendAll<int32_t>(values, count, data);
    case AttrDataType::kInt64: return AppendAll<int64_t>(values, count, data);
    case AttrDataType::kUint32: return AppendAll<uint32_t>(values, count, data);
    case AttrDataType::kFloat32: return AppendAll<float>(values, count, data);
    case AttrDataType::kFloat16: return AppendAll<Half>(values, count, data);
    case AttrDataType::kBfloat16: return AppendAll<BFloat>(values, count, data);
    default: return false;
  }
}

template <typename T>
bool AppendList(const TypedContinuousVector<T>* list, AttrDataType dst, TilingData* data) {
  return AppendAs(list->GetData(), list->GetSize(), true, dst, data);
}

}  // namespace

ge::graphStatus TilingData::AppendConvertedAttrVal(const RuntimeAttrs* attrs, const size_t attr_index,
                                                   const AttrDataType src_type, const AttrDataType dst_type) {
  if (attrs == nullptr || attrs->GetAttrPointer<void*>(attr_index) == nullptr) return ge::GRAPH_FAILED;
  bool done = false;
  switch (src_type) {
    case AttrDataType::kBool: done = AppendAs(attrs->GetBool(attr_index), 1, false, dst_type, this); break;
    case AttrDataType::kInt32:
    case AttrDataType::kInt64:
    case AttrDataType::kUint32: done = AppendAs(attrs->GetInt(attr_index), 1, false, dst_type, this); break;
    case AttrDataType::kFloat32: done = AppendAs(attrs->GetFloat(attr_index), 1, false, dst_type, this); break;
    case AttrDataType::kListInt32:
    case AttrDataType::kListInt64:
    case AttrDataType::kListUint32: done = AppendList(attrs->GetListInt(attr_index), dst_type, this); break;
    case AttrDataType::kListFloat32: done = AppendList(attrs->GetListFloat(attr_index), dst_type, this); break;
    case AttrDataType::kString: {
      const char* const text = attrs->GetStr(attr_index);
      const size_t length = std::strlen(text);
      done = dst_type == AttrDataType::kString && Append(text, length) == ge::GRAPH_SUCCESS;
      break;
    }
    default: break;
  }
  return done ? ge::GRAPH_SUCCESS : ge::GRAPH_FAILED;
}

}  // namespace gert
