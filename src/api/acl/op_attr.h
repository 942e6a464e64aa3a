// Attributes of single operators, by name.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "acl/acl_op.h"

using AclAttrValue =
    std::variant<bool, int64_t, float, std::string, aclDataType, std::vector<bool>, std::vector<int64_t>,
                 std::vector<float>, std::vector<std::string>, std::vector<aclDataType>,
                 std::vector<std::vector<int64_t>>>;

struct aclopAttr {
  std::map<std::string, AclAttrValue> values;
};
