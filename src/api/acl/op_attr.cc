#include "api/acl/op_attr.h"

#include "api/acl/common.h"

using belay::acl::Refuse;

namespace {

aclError Set(const char* call, aclopAttr* attr, const char* name, AclAttrValue value) {
  if (attr == nullptr) return belay::acl::RefuseNull(call, "attr");
  if (name == nullptr) return belay::acl::RefuseNull(call, "attrName");
  attr->values[name] = std::move(value);
  return ACL_SUCCESS;
}

template <typename To, typename From>
aclError SetList(const char* call, aclopAttr* attr, const char* name, int count, const From* values) {
  if (count < 0) return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("the number of values is {}", count));
  if (count > 0 && values == nullptr) return belay::acl::RefuseNull(call, "values");
  std::vector<To> list;
  list.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) list.push_back(static_cast<To>(values[i]));
  return Set(call, attr, name, AclAttrValue(std::move(list)));
}

}  // namespace

extern "C" {

aclopAttr* aclopCreateAttr() { return new (std::nothrow) aclopAttr; }

void aclopDestroyAttr(const aclopAttr* attr) { delete attr; }

aclError aclopSetAttrBool(aclopAttr* attr, const char* attrName, uint8_t attrValue) try {
  return Set(__func__, attr, attrName, AclAttrValue(attrValue != 0));
}
BELAY_ACL_END

aclError aclopSetAttrInt(aclopAttr* attr, const char* attrName, int64_t attrValue) try {
  return Set(__func__, attr, attrName, AclAttrValue(attrValue));
}
BELAY_ACL_END

aclError aclopSetAttrFloat(aclopAttr* attr, const char* attrName, float attrValue) try {
  return Set(__func__, attr, attrName, AclAttrValue(attrValue));
}
BELAY_ACL_END

aclError aclopSetAttrString(aclopAttr* attr, const char* attrName, const char* attrValue) try {
  BELAY_ACL_NOT_NULL(attrValue);
  return Set(__func__, attr, attrName, AclAttrValue(std::string(attrValue)));
}
BELAY_ACL_END

aclError aclopSetAttrDataType(aclopAttr* attr, const char* attrName, aclDataType attrValue) try {
  return Set(__func__, attr, attrName, AclAttrValue(attrValue));
}
BELAY_ACL_END

aclError aclopSetAttrListDataType(aclopAttr* attr, const char* attrName, int numValues,
                                  const aclDataType values[]) try {
  return SetList<aclDataType>(__func__, attr, attrName, numValues, values);
}
BELAY_ACL_END

aclError aclopSetAttrListBool(aclopAttr* attr, const char* attrName, int numValues, const uint8_t* values) try {
  return SetList<bool>(__func__, attr, attrName, numValues, values);
}
BELAY_ACL_END

aclError aclopSetAttrListInt(aclopAttr* attr, const char* attrName, int numValues, const int64_t* values) try {
  return SetList<int64_t>(__func__, attr, attrName, numValues, values);
}
BELAY_ACL_END

aclError aclopSetAttrListFloat(aclopAttr* attr, const char* attrName, int numValues, const float* values) try {
  return SetList<float>(__func__, attr, attrName, numValues, values);
}
BELAY_ACL_END

aclError aclopSetAttrListString(aclopAttr* attr, const char* attrName, int numValues, const char** values) try {
  for (int i = 0; values != nullptr && i < numValues; ++i) BELAY_ACL_NOT_NULL(values[i]);
  return SetList<std::string>(__func__, attr, attrName, numValues, values);
}
BELAY_ACL_END

aclError aclopSetAttrListListInt(aclopAttr* attr, const char* attrName, int numLists, const int* numValues,
                                 const int64_t* const values[]) try {
  if (numLists < 0) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("numLists is {}", numLists));
  }
  if (numLists > 0) {
    BELAY_ACL_NOT_NULL(numValues);
    BELAY_ACL_NOT_NULL(values);
  }
  std::vector<std::vector<int64_t>> lists;
  for (int i = 0; i < numLists; ++i) {
    if (numValues[i] < 0 || (numValues[i] > 0 && values[i] == nullptr)) {
      return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("list {} is null or has a negative length", i));
    }
    lists.emplace_back(values[i], values[i] + numValues[i]);
  }
  return Set(__func__, attr, attrName, AclAttrValue(std::move(lists)));
}
BELAY_ACL_END

}  // extern "C"
