#include "api/graph/attr_data.h"

#include <cstdlib>
#include <iterator>

#include "base/dtype.h"

namespace ge {
namespace {

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find(',', begin);
    if (end == std::string::npos) end = text.size();
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

DataType ParseType(const std::string& text) {
  belay::DType dtype;
  if (text == "b") return DT_BOOL;
  if (text == "str") return DT_STRING;
  if (!belay::ParseDType(text, &dtype)) return DT_UNDEFINED;
  return static_cast<DataType>(dtype);
}

int64_t ParseInt(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }
float ParseFloat(const std::string& text) { return std::strtof(text.c_str(), nullptr); }

// "{1,2},{3}"
std::vector<std::vector<int64_t>> ParseLists(const std::string& text) {
  std::vector<std::vector<int64_t>> lists;
  for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    const size_t close = text.find('}', open);
    std::vector<int64_t> list;
    for (const std::string& part : Split(text.substr(open + 1, close - open - 1))) {
      list.push_back(ParseInt(part));
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

template <typename T>
std::vector<int64_t> Widen(const std::vector<T>& values) {
  return std::vector<int64_t>(values.begin(), values.end());
}

template <typename T>
bool NarrowList(const AttrData& data, std::vector<T>* out) {
  const auto* values = std::get_if<std::vector<int64_t>>(&data);
  if (values == nullptr) return false;
  std::vector<T> narrowed;
  for (int64_t value : *values) {
    T one;
    if (!NarrowFromAttr(AttrData(value), &one)) return false;
    narrowed.push_back(one);
  }
  *out = std::move(narrowed);
  return true;
}

}  // namespace

const char* AttrKindText(const AttrData& data) {
  static const char* const kTexts[] = {
      "", "VT_INT", "VT_FLOAT", "VT_BOOL", "VT_STRING", "VT_DATA_TYPE", "VT_TENSOR", "VT_LIST_INT",
      "VT_LIST_FLOAT", "VT_LIST_BOOL", "VT_LIST_STRING", "VT_LIST_DATA_TYPE", "VT_LIST_TENSOR",
      "VT_LIST_LIST_INT", "VT_BYTES", "VT_NAMED_ATTRS", "VT_LIST_NAMED_ATTRS"};
  static_assert(std::size(kTexts) == std::variant_size_v<AttrData>, "one text per kind");
  return kTexts[data.index()];
}

AttrData ParseAttrDefault(const std::string& type, const char* text) {
  if (type == "Int") return ParseInt(text);
  if (type == "Float") return ParseFloat(text);
  if (type == "Bool") return std::string(text) == "true";
  if (type == "String") return std::string(text);
  if (type == "Type") return ParseType(text);
  if (type == "Tensor") return Tensor();
  if (type == "ListListInt") return ParseLists(text);
  if (type == "ListString") return Split(text);
  if (type == "Bytes") return std::vector<uint8_t>();
  if (type == "ListTensor") return std::vector<Tensor>();
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<bool> bools;
  std::vector<DataType> types;
  for (const std::string& part : Split(text)) {
    ints.push_back(ParseInt(part));
    floats.push_back(ParseFloat(part));
    bools.push_back(part == "true" || part == "1");
    types.push_back(ParseType(part));
  }
  if (type == "ListInt") return ints;
  if (type == "ListFloat") return floats;
  if (type == "ListBool") return bools;
  if (type == "ListType") return types;
  return AttrData();
}

AttrData ToAttr(const std::vector<int32_t>& values) { return AttrData(Widen(values)); }
AttrData ToAttr(const std::vector<uint32_t>& values) { return AttrData(Widen(values)); }
AttrData ToAttr(const std::vector<AscendString>& values) {
  std::vector<std::string> texts;
  for (const AscendString& text : values) texts.emplace_back(text.GetString(), text.GetLength());
  return AttrData(std::move(texts));
}

bool FromAttr(const AttrData& data, AscendString* out) {
  const auto* text = std::get_if<std::string>(&data);
  if (text == nullptr) return false;
  *out = AscendString(text->data(), text->size());
  return true;
}
bool FromAttr(const AttrData& data, AttrValue* out) {
  if (std::holds_alternative<std::monostate>(data)) return false;
  AttrAdapter::Data(*out) = data;
  return true;
}
bool FromAttr(const AttrData& data, std::vector<int32_t>* out) { return NarrowList(data, out); }
bool FromAttr(const AttrData& data, std::vector<uint32_t>* out) { return NarrowList(data, out); }
bool FromAttr(const AttrData& data, std::vector<AscendString>* out) {
  const auto* texts = std::get_if<std::vector<std::string>>(&data);
  if (texts == nullptr) return false;
  out->clear();
  for (const std::string& text : *texts) out->emplace_back(text.data(), text.size());
  return true;
}

AttrValue::AttrValue() : impl(std::make_shared<AttrValueImpl>()) {}
graphStatus AttrValue::GetValue(AscendString& val) {
  return FromAttr(impl->data, &val) ? GRAPH_SUCCESS : GRAPH_FAILED;
}
graphStatus AttrValue::GetValue(INT& val) const {
  return FromAttr(impl->data, &val) ? GRAPH_SUCCESS : GRAPH_FAILED;
}
graphStatus AttrValue::GetValue(FLOAT& val) const {
  return FromAttr(impl->data, &val) ? GRAPH_SUCCESS : GRAPH_FAILED;
}

}  // namespace ge
