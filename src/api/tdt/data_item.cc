// What goes through a channel: data items and lists of them.
#include "api/tdt/data_item.h"

#include <fmt/format.h>

#include "api/acl/refuse.h"

using belay::acl::Refuse;

extern "C" {

acltdtTensorType acltdtGetTensorTypeFromItem(const acltdtDataItem* dataItem) {
  return dataItem == nullptr ? ACL_TENSOR_DATA_UNDEFINED : dataItem->type;
}
aclDataType acltdtGetDataTypeFromItem(const acltdtDataItem* dataItem) {
  return dataItem == nullptr ? ACL_DT_UNDEFINED : dataItem->dtype;
}
void* acltdtGetDataAddrFromItem(const acltdtDataItem* dataItem) {
  return dataItem == nullptr ? nullptr : dataItem->data;
}
size_t acltdtGetDataSizeFromItem(const acltdtDataItem* dataItem) {
  return dataItem == nullptr ? 0 : dataItem->size;
}
size_t acltdtGetDimNumFromItem(const acltdtDataItem* dataItem) {
  return dataItem == nullptr ? 0 : dataItem->dims.size();
}

aclError acltdtGetDimsFromItem(const acltdtDataItem* dataItem, int64_t* dims, size_t dimNum) try {
  BELAY_ACL_NOT_NULL(dataItem);
  const std::vector<int64_t>& have = dataItem->dims;
  if (dims == nullptr && dimNum != 0) return belay::acl::RefuseNull(__func__, "dims");
  if (dimNum < have.size()) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                  fmt::format("dimNum is {}, but the item has {} dims", dimNum, have.size()),
                  "ask acltdtGetDimNumFromItem first");
  }
  std::copy(have.begin(), have.end(), dims);
  return ACL_SUCCESS;
}
BELAY_ACL_END

// Nothing here cuts a tensor into slices.
aclError acltdtGetSliceInfoFromItem(const acltdtDataItem* dataItem, size_t* sliceNum, size_t* sliceId) try {
  BELAY_ACL_NOT_NULL(dataItem);
  BELAY_ACL_NOT_NULL(sliceNum);
  BELAY_ACL_NOT_NULL(sliceId);
  *sliceNum = *sliceId = 0;
  return ACL_SUCCESS;
}
BELAY_ACL_END

acltdtDataItem* acltdtCreateDataItem(acltdtTensorType tdtType, const int64_t* dims, size_t dimNum,
                                     aclDataType dataType, void* data, size_t size) try {
  if (tdtType < ACL_TENSOR_DATA_TENSOR || tdtType > ACL_TENSOR_DATA_END_TENSOR) {
    (void)Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("tdtType is {}", static_cast<int>(tdtType)));
    return nullptr;
  }
  if ((dimNum != 0 && dims == nullptr) || (size != 0 && data == nullptr)) {
    (void)Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                 fmt::format("{} dims at {} and {} bytes at {}", dimNum, static_cast<const void*>(dims), size, data));
    return nullptr;
  }
  auto item = std::make_unique<acltdtDataItem>();
  item->type = tdtType;
  item->dtype = dataType;
  if (dims != nullptr) item->dims.assign(dims, dims + dimNum);
  item->data = data;
  item->size = size;
  return item.release();
} catch (const std::bad_alloc&) {
  return nullptr;
}

aclError acltdtDestroyDataItem(acltdtDataItem* dataItem) try {
  BELAY_ACL_NOT_NULL(dataItem);
  if (dataItem->received) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "the item belongs to the dataset that received it",
                  "destroy the dataset");
  }
  delete dataItem;
  return ACL_SUCCESS;
}
BELAY_ACL_END

acltdtDataset* acltdtCreateDataset() { return new (std::nothrow) acltdtDataset; }

aclError acltdtDestroyDataset(acltdtDataset* dataset) try {
  BELAY_ACL_NOT_NULL(dataset);
  delete dataset;
  return ACL_SUCCESS;
}
BELAY_ACL_END

acltdtDataItem* acltdtGetDataItem(const acltdtDataset* dataset, size_t index) {
  return dataset == nullptr || index >= dataset->items.size() ? nullptr : dataset->items[index];
}

aclError acltdtAddDataItem(acltdtDataset* dataset, acltdtDataItem* dataItem) try {
  BELAY_ACL_NOT_NULL(dataset);
  BELAY_ACL_NOT_NULL(dataItem);
  if (!dataset->received.empty()) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "the dataset holds what acltdtReceiveTensor brought",
                  "make a new dataset to send");
  }
  dataset->items.push_back(dataItem);
  return ACL_SUCCESS;
}
BELAY_ACL_END

size_t acltdtGetDatasetSize(const acltdtDataset* dataset) { return dataset == nullptr ? 0 : dataset->items.size(); }

const char* acltdtGetDatasetName(const acltdtDataset*) { return ""; }

}  // extern "C"
