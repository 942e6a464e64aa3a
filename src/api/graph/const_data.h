// The value of a Const or Constant.
#pragma once
#include "api/graph/op_desc.h"

namespace ge {

// False when the operator is no constant or has no value.
inline bool ConstDataOf(const OpDesc& desc, Tensor* data) {
  if (desc.type != "Const" && desc.type != "Constant") return false;
  auto it = desc.attrs.find("value");
  return it != desc.attrs.end() && FromAttr(it->second, data);
}

}  // namespace ge
