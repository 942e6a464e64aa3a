// One attribute value, whatever its kind, and the conversions of the overloads that get and set it.
#pragma once
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/attr_value.h"
#include "graph/tensor.h"
#include "graph/types.h"

namespace ge {

// Declared by operator.h only: no operator has such an attribute, so nothing can be inside.
class NamedAttrs {};

using AttrData =
    std::variant<std::monostate, int64_t, float, bool, std::string, DataType, Tensor,
                 std::vector<int64_t>, std::vector<float>, std::vector<bool>,
                 std::vector<std::string>, std::vector<DataType>, std::vector<Tensor>,
                 std::vector<std::vector<int64_t>>, std::vector<uint8_t>, NamedAttrs,
                 std::vector<NamedAttrs>>;
using AttrDataMap = std::map<std::string, AttrData>;

class AttrValueImpl {
 public:
  AttrData data;
};

class AttrAdapter {
 public:
  static AttrData& Data(AttrValue& value) { return value.impl->data; }
  static const AttrData& Data(const AttrValue& value) { return value.impl->data; }
};

// "VT_INT", "VT_LIST_FLOAT", ...; "" for nothing.
const char* AttrKindText(const AttrData& data);
// The value a table's default_text stands for; monostate when the type has none.
AttrData ParseAttrDefault(const std::string& type, const char* text);

// Conversion from the type of an overload.
template <typename T>
AttrData ToAttr(const T& value) {
  return AttrData(value);
}
inline AttrData ToAttr(int32_t value) { return AttrData(static_cast<int64_t>(value)); }
inline AttrData ToAttr(uint32_t value) { return AttrData(static_cast<int64_t>(value)); }
inline AttrData ToAttr(const char* value) { return AttrData(std::string(value)); }
inline AttrData ToAttr(const AscendString& value) {
  return AttrData(std::string(value.GetString(), value.GetLength()));
}
inline AttrData ToAttr(const AttrValue& value) { return AttrAdapter::Data(value); }
AttrData ToAttr(const std::vector<int32_t>& values);
AttrData ToAttr(const std::vector<uint32_t>& values);
AttrData ToAttr(const std::vector<AscendString>& values);

// Conversion to the type of an overload; false when the value is of another kind or does not fit.
template <typename T>
bool FromAttr(const AttrData& data, T* out) {
  const T* value = std::get_if<T>(&data);
  if (value == nullptr) return false;
  *out = *value;
  return true;
}
template <typename T>
bool NarrowFromAttr(const AttrData& data, T* out) {
  const int64_t* value = std::get_if<int64_t>(&data);
  if (value == nullptr || *value < static_cast<int64_t>(std::numeric_limits<T>::min()) ||
      *value > static_cast<int64_t>(std::numeric_limits<T>::max())) {
    return false;
  }
  *out = static_cast<T>(*value);
  return true;
}
inline bool FromAttr(const AttrData& data, int32_t* out) { return NarrowFromAttr(data, out); }
inline bool FromAttr(const AttrData& data, uint32_t* out) { return NarrowFromAttr(data, out); }
bool FromAttr(const AttrData& data, AscendString* out);
bool FromAttr(const AttrData& data, AttrValue* out);
bool FromAttr(const AttrData& data, std::vector<int32_t>* out);
bool FromAttr(const AttrData& data, std::vector<uint32_t>* out);
bool FromAttr(const AttrData& data, std::vector<AscendString>* out);

}  // namespace ge
