// The opaque containers of acl. Other API parts that execute acl models read them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "acl/acl.h"

struct aclDataBuffer {
  void* data = nullptr;
  size_t size = 0;
};

struct aclTensorDesc {
  aclDataType dtype = ACL_DT_UNDEFINED;
  aclFormat format = ACL_FORMAT_UNDEFINED;
  std::vector<int64_t> dims;
  std::vector<std::pair<int64_t, int64_t>> shape_range;
  std::vector<std::pair<int64_t, int64_t>> value_range;
  aclFormat storage_format = ACL_FORMAT_UNDEFINED;
  std::vector<int64_t> storage_dims;
  aclFormat origin_format = ACL_FORMAT_UNDEFINED;
  std::vector<int64_t> origin_dims;
  std::string name;
  std::string dynamic_input_name;
  aclMemType place = ACL_MEMTYPE_DEVICE;
  std::vector<uint8_t> const_data;
  bool is_const = false;
  void* address = nullptr;
};

struct aclmdlDataset {
  struct Entry {
    aclDataBuffer* buffer = nullptr;
    std::unique_ptr<aclTensorDesc> desc;
  };
  std::vector<Entry> entries;
};
