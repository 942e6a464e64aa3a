// Data buffers, tensor descriptions and datasets.
#include "api/acl/data.h"

#include "api/acl/common.h"
#include "base/dtype.h"
#include "base/half.h"

using belay::acl::Refuse;

namespace {

constexpr int kMaxDims = 128;

bool BadShape(int count, const int64_t* dims) {
  return count < 0 || count > kMaxDims || (count > 0 && dims == nullptr);
}

aclError SetDims(const char* call, int count, const int64_t* dims, std::vector<int64_t>* to) {
  if (BadShape(count, dims)) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM,
                  fmt::format("numDims is {} and dims is {}", count, static_cast<const void*>(dims)));
  }
  to->assign(dims, dims + count);
  return ACL_SUCCESS;
}

bool UnknownRank(const aclTensorDesc& desc) { return desc.dims.size() == 1 && desc.dims[0] == -2; }

// False when a dimension is open, or the number does not fit.
bool CountElements(const aclTensorDesc& desc, size_t* count) {
  *count = 1;
  for (int64_t dim : desc.dims) {
    if (dim < 0 || __builtin_mul_overflow(*count, static_cast<size_t>(dim), count)) return false;
  }
  return true;
}

aclError SetRange(const char* call, size_t count, int64_t range[][2],
                  std::vector<std::pair<int64_t, int64_t>>* to) {
  if (count > 0 && range == nullptr) return belay::acl::RefuseNull(call, "range");
  to->clear();
  for (size_t i = 0; i < count; ++i) to->emplace_back(range[i][0], range[i][1]);
  return ACL_SUCCESS;
}

}  // namespace

extern "C" {

float aclFloat16ToFloat(aclFloat16 value) { return belay::HalfToFloat(value); }
aclFloat16 aclFloatToFloat16(float value) { return belay::FloatToHalf(value); }

size_t aclDataTypeSize(aclDataType dataType) {
  if (dataType < 0 || dataType > ACL_FLOAT4_E1M2) return 0;
  return static_cast<size_t>(belay::BitWidth(static_cast<belay::DType>(dataType)) + 7) / 8;
}

aclDataBuffer* aclCreateDataBuffer(void* data, size_t size) {
  return new (std::nothrow) aclDataBuffer{data, size};
}

aclError aclDestroyDataBuffer(const aclDataBuffer* dataBuffer) try {
  BELAY_ACL_NOT_NULL(dataBuffer);
  delete dataBuffer;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclUpdateDataBuffer(aclDataBuffer* dataBuffer, void* data, size_t size) try {
  BELAY_ACL_NOT_NULL(dataBuffer);
  *dataBuffer = {data, size};
  return ACL_SUCCESS;
}
BELAY_ACL_END

void* aclGetDataBufferAddr(const aclDataBuffer* dataBuffer) {
  return dataBuffer != nullptr ? dataBuffer->data : nullptr;
}

uint32_t aclGetDataBufferSize(const aclDataBuffer* dataBuffer) {
  return dataBuffer != nullptr ? static_cast<uint32_t>(dataBuffer->size) : 0;
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer* dataBuffer) {
  return dataBuffer != nullptr ? dataBuffer->size : 0;
}

aclTensorDesc* aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t* dims, aclFormat format) try {
  if (BadShape(numDims, dims)) {
    Refuse(__func__, ACL_ERROR_INVALID_PARAM,
           fmt::format("numDims is {} and dims is {}", numDims, static_cast<const void*>(dims)));
    return nullptr;
  }
  auto desc = std::make_unique<aclTensorDesc>();
  desc->dtype = dataType;
  desc->format = format;
  desc->dims.assign(dims, dims + numDims);
  return desc.release();
} catch (const std::bad_alloc&) {
  return nullptr;
}

void aclDestroyTensorDesc(const aclTensorDesc* desc) { delete desc; }

aclDataType aclGetTensorDescType(const aclTensorDesc* desc) {
  return desc != nullptr ? desc->dtype : ACL_DT_UNDEFINED;
}

aclFormat aclGetTensorDescFormat(const aclTensorDesc* desc) {
  return desc != nullptr ? desc->format : ACL_FORMAT_UNDEFINED;
}

size_t aclGetTensorDescSize(const aclTensorDesc* desc) {
  size_t count = 0;
  if (desc == nullptr || UnknownRank(*desc) || !CountElements(*desc, &count)) return 0;
  return count * aclDataTypeSize(desc->dtype);
}

size_t aclGetTensorDescElementCount(const aclTensorDesc* desc) {
  size_t count = 0;
  if (desc == nullptr || UnknownRank(*desc) || !CountElements(*desc, &count)) return 0;
  return count;
}

size_t aclGetTensorDescNumDims(const aclTensorDesc* desc) {
  if (desc == nullptr) return 0;
  return UnknownRank(*desc) ? ACL_UNKNOWN_RANK : desc->dims.size();
}

int64_t aclGetTensorDescDim(const aclTensorDesc* desc, size_t index) {
  return desc != nullptr && index < desc->dims.size() ? desc->dims[index] : -1;
}

aclError aclGetTensorDescDimV2(const aclTensorDesc* desc, size_t index, int64_t* dimSize) try {
  BELAY_ACL_NOT_NULL(desc);
  BELAY_ACL_NOT_NULL(dimSize);
  if (index >= desc->dims.size()) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                  fmt::format("index is {}, but there are {} dims", index, desc->dims.size()));
  }
  *dimSize = desc->dims[index];
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclGetTensorDescDimRange(const aclTensorDesc* desc, size_t index, size_t dimRangeNum,
                                  int64_t* dimRange) try {
  BELAY_ACL_NOT_NULL(desc);
  BELAY_ACL_NOT_NULL(dimRange);
  if (index >= desc->shape_range.size() || dimRangeNum < ACL_TENSOR_SHAPE_RANGE_NUM) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                  fmt::format("index is {} of {} ranges, dimRangeNum is {}", index, desc->shape_range.size(),
                              dimRangeNum));
  }
  dimRange[0] = desc->shape_range[index].first;
  dimRange[1] = desc->shape_range[index].second;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclSetTensorShapeRange(aclTensorDesc* desc, size_t dimsCount,
                                int64_t dimsRange[][ACL_TENSOR_SHAPE_RANGE_NUM]) try {
  BELAY_ACL_NOT_NULL(desc);
  return SetRange(__func__, dimsCount, dimsRange, &desc->shape_range);
}
BELAY_ACL_END

aclError aclSetTensorValueRange(aclTensorDesc* desc, size_t valueCount,
                                int64_t valueRange[][ACL_TENSOR_VALUE_RANGE_NUM]) try {
  BELAY_ACL_NOT_NULL(desc);
  return SetRange(__func__, valueCount, valueRange, &desc->value_range);
}
BELAY_ACL_END

void aclSetTensorDescName(aclTensorDesc* desc, const char* name) try {
  if (desc != nullptr) desc->name = name != nullptr ? name : "";
} catch (const std::bad_alloc&) {
}

const char* aclGetTensorDescName(aclTensorDesc* desc) { return desc != nullptr ? desc->name.c_str() : ""; }

aclError aclTransTensorDescFormat(const aclTensorDesc* srcDesc, aclFormat, aclTensorDesc** dstDesc) try {
  BELAY_ACL_NOT_NULL(srcDesc);
  BELAY_ACL_NOT_NULL(dstDesc);
  return belay::acl::RefuseUnbuilt(__func__);
}
BELAY_ACL_END

aclError aclSetTensorFormat(aclTensorDesc* desc, aclFormat format) try {
  BELAY_ACL_NOT_NULL(desc);
  desc->storage_format = format;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclSetTensorStorageFormat(aclTensorDesc* desc, aclFormat format) try {
  BELAY_ACL_NOT_NULL(desc);
  desc->storage_format = format;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclSetTensorShape(aclTensorDesc* desc, int numDims, const int64_t* dims) try {
  BELAY_ACL_NOT_NULL(desc);
  return SetDims(__func__, numDims, dims, &desc->storage_dims);
}
BELAY_ACL_END

aclError aclSetTensorStorageShape(aclTensorDesc* desc, int numDims, const int64_t* dims) try {
  BELAY_ACL_NOT_NULL(desc);
  return SetDims(__func__, numDims, dims, &desc->storage_dims);
}
BELAY_ACL_END

aclError aclSetTensorOriginFormat(aclTensorDesc* desc, aclFormat format) try {
  BELAY_ACL_NOT_NULL(desc);
  desc->origin_format = format;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclSetTensorOriginShape(aclTensorDesc* desc, int numDims, const int64_t* dims) try {
  BELAY_ACL_NOT_NULL(desc);
  return SetDims(__func__, numDims, dims, &desc->origin_dims);
}
BELAY_ACL_END

aclTensorDesc* aclGetTensorDescByIndex(aclTensorDesc* desc, size_t index) {
  return index == 0 ? desc : nullptr;
}

void* aclGetTensorDescAddress(const aclTensorDesc* desc) { return desc != nullptr ? desc->address : nullptr; }

aclError aclSetTensorDynamicInput(aclTensorDesc* desc, const char* dynamicInputName) try {
  BELAY_ACL_NOT_NULL(desc);
  BELAY_ACL_NOT_NULL(dynamicInputName);
  desc->dynamic_input_name = dynamicInputName;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclSetTensorConst(aclTensorDesc* desc, void* dataBuffer, size_t length) try {
  BELAY_ACL_NOT_NULL(desc);
  BELAY_ACL_NOT_NULL(dataBuffer);
  if (length == 0) return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "length is 0");
  const auto* bytes = static_cast<const uint8_t*>(dataBuffer);
  desc->const_data.assign(bytes, bytes + length);
  desc->is_const = true;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclSetTensorPlaceMent(aclTensorDesc* desc, aclMemType memType) try {
  BELAY_ACL_NOT_NULL(desc);
  if (memType < ACL_MEMTYPE_DEVICE || memType > ACL_MEMTYPE_HOST_COMPILE_INDEPENDENT) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("memType is {}", static_cast<int>(memType)));
  }
  desc->place = memType;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclmdlDataset* aclmdlCreateDataset() { return new (std::nothrow) aclmdlDataset; }

aclError aclmdlDestroyDataset(const aclmdlDataset* dataset) try {
  BELAY_ACL_NOT_NULL(dataset);
  delete dataset;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* dataBuffer) try {
  BELAY_ACL_NOT_NULL(dataset);
  BELAY_ACL_NOT_NULL(dataBuffer);
  dataset->entries.push_back({dataBuffer, nullptr});
  return ACL_SUCCESS;
}
BELAY_ACL_END

size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset* dataset) {
  return dataset != nullptr ? dataset->entries.size() : 0;
}

aclDataBuffer* aclmdlGetDatasetBuffer(const aclmdlDataset* dataset, size_t index) {
  return dataset != nullptr && index < dataset->entries.size() ? dataset->entries[index].buffer : nullptr;
}

aclError aclmdlSetDatasetTensorDesc(aclmdlDataset* dataset, aclTensorDesc* tensorDesc, size_t index) try {
  BELAY_ACL_NOT_NULL(dataset);
  if (index >= dataset->entries.size()) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                  fmt::format("index is {}, but the dataset has {} buffers", index, dataset->entries.size()));
  }
  auto& desc = dataset->entries[index].desc;
  desc = tensorDesc != nullptr ? std::make_unique<aclTensorDesc>(*tensorDesc) : nullptr;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclTensorDesc* aclmdlGetDatasetTensorDesc(const aclmdlDataset* dataset, size_t index) {
  return dataset != nullptr && index < dataset->entries.size() ? dataset->entries[index].desc.get() : nullptr;
}

}  // extern "C"
