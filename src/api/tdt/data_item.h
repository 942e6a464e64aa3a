// The opaque data of acl_tdt.h.
#pragma once
#include <memory>
#include <vector>

#include "acl/acl_tdt.h"

struct acltdtDataItem {
  acltdtTensorType type = ACL_TENSOR_DATA_UNDEFINED;
  aclDataType dtype = ACL_DT_UNDEFINED;
  std::vector<int64_t> dims;
  void* data = nullptr;  // the sender's, or `bytes` of a received item
  size_t size = 0;
  std::vector<char> bytes;
  bool received = false;
};

struct acltdtDataset {
  std::vector<acltdtDataItem*> items;
  std::vector<std::unique_ptr<acltdtDataItem>> received;  // owned; the others are the user's
};
