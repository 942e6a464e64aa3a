#include <cmath>

#include "acl_test.h"

namespace {

TEST(AclData, DataTypeSize) {
  EXPECT_EQ(aclDataTypeSize(ACL_FLOAT), 4u);
  EXPECT_EQ(aclDataTypeSize(ACL_FLOAT16), 2u);
  EXPECT_EQ(aclDataTypeSize(ACL_BF16), 2u);
  EXPECT_EQ(aclDataTypeSize(ACL_INT64), 8u);
  EXPECT_EQ(aclDataTypeSize(ACL_BOOL), 1u);
  EXPECT_EQ(aclDataTypeSize(ACL_COMPLEX128), 16u);
  EXPECT_EQ(aclDataTypeSize(ACL_INT4), 1u);
  EXPECT_EQ(aclDataTypeSize(ACL_UINT1), 1u);
  EXPECT_EQ(aclDataTypeSize(ACL_STRING), 0u);
  EXPECT_EQ(aclDataTypeSize(ACL_DT_UNDEFINED), 0u);
  EXPECT_EQ(aclDataTypeSize(static_cast<aclDataType>(999)), 0u);
}

TEST(AclData, Float16) {
  EXPECT_EQ(aclFloat16ToFloat(0x3C00), 1.0f);
  EXPECT_EQ(aclFloat16ToFloat(0x0001), std::ldexp(1.0f, -24));
  EXPECT_TRUE(std::isinf(aclFloat16ToFloat(0xFC00)));
  EXPECT_TRUE(std::isnan(aclFloat16ToFloat(0x7E00)));
  EXPECT_EQ(aclFloatToFloat16(-2.0f), 0xC000);
  EXPECT_EQ(aclFloatToFloat16(65504.0f), 0x7BFF);
  EXPECT_EQ(aclFloatToFloat16(65520.0f), 0x7C00);
  EXPECT_EQ(aclFloatToFloat16(2049.0f), aclFloatToFloat16(2048.0f));  // ties to even
  EXPECT_EQ(aclFloatToFloat16(2051.0f), aclFloatToFloat16(2052.0f));
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
    ASSERT_EQ(aclFloatToFloat16(aclFloat16ToFloat(static_cast<aclFloat16>(bits))), bits);
  }
}

TEST(AclData, Buffers) {
  int value = 0;
  aclDataBuffer* buffer = aclCreateDataBuffer(&value, 4);
  EXPECT_EQ(aclGetDataBufferAddr(buffer), &value);
  EXPECT_EQ(aclGetDataBufferSizeV2(buffer), 4u);
  EXPECT_EQ(aclGetDataBufferSize(buffer), 4u);
  EXPECT_EQ(aclUpdateDataBuffer(buffer, nullptr, 0), ACL_SUCCESS);
  EXPECT_EQ(aclGetDataBufferAddr(buffer), nullptr);
  EXPECT_EQ(aclUpdateDataBuffer(nullptr, nullptr, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclGetDataBufferAddr(nullptr), nullptr);
  EXPECT_EQ(aclGetDataBufferSizeV2(nullptr), 0u);
  EXPECT_EQ(aclDestroyDataBuffer(buffer), ACL_SUCCESS);
  EXPECT_EQ(aclDestroyDataBuffer(nullptr), ACL_ERROR_INVALID_PARAM);
}

TEST(AclData, TensorDescriptions) {
  int64_t dims[] = {2, 3, 4}, dim = 0;
  EXPECT_EQ(aclCreateTensorDesc(ACL_FLOAT, -1, dims, ACL_FORMAT_ND), nullptr);
  EXPECT_EQ(aclCreateTensorDesc(ACL_FLOAT, 3, nullptr, ACL_FORMAT_ND), nullptr);
  aclTensorDesc* desc = aclCreateTensorDesc(ACL_FLOAT16, 3, dims, ACL_FORMAT_NCHW);
  ASSERT_NE(desc, nullptr);
  EXPECT_EQ(aclGetTensorDescType(desc), ACL_FLOAT16);
  EXPECT_EQ(aclGetTensorDescFormat(desc), ACL_FORMAT_NCHW);
  EXPECT_EQ(aclGetTensorDescNumDims(desc), 3u);
  EXPECT_EQ(aclGetTensorDescElementCount(desc), 24u);
  EXPECT_EQ(aclGetTensorDescSize(desc), 48u);
  EXPECT_EQ(aclGetTensorDescDim(desc, 1), 3);
  EXPECT_EQ(aclGetTensorDescDim(desc, 3), -1);
  EXPECT_EQ(aclGetTensorDescDimV2(desc, 2, &dim), ACL_SUCCESS);
  EXPECT_EQ(dim, 4);
  EXPECT_EQ(aclGetTensorDescDimV2(desc, 3, &dim), ACL_ERROR_INVALID_PARAM);
  aclSetTensorDescName(desc, "x");
  EXPECT_STREQ(aclGetTensorDescName(desc), "x");
  int64_t range[3][2] = {{1, 2}, {3, 3}, {4, -1}}, pair[2] = {};
  EXPECT_EQ(aclSetTensorShapeRange(desc, 3, range), ACL_SUCCESS);
  EXPECT_EQ(aclGetTensorDescDimRange(desc, 2, 2, pair), ACL_SUCCESS);
  EXPECT_EQ(pair[1], -1);
  EXPECT_EQ(aclGetTensorDescDimRange(desc, 3, 2, pair), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclSetTensorFormat(desc, ACL_FORMAT_NC1HWC0), ACL_SUCCESS);
  EXPECT_EQ(aclSetTensorShape(desc, 2, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclSetTensorShape(desc, 3, dims), ACL_SUCCESS);
  EXPECT_EQ(aclSetTensorConst(desc, dims, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclSetTensorConst(desc, dims, sizeof dims), ACL_SUCCESS);
  EXPECT_EQ(aclSetTensorPlaceMent(desc, static_cast<aclMemType>(3)), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclSetTensorPlaceMent(desc, ACL_MEMTYPE_HOST), ACL_SUCCESS);
  aclDestroyTensorDesc(desc);
  int64_t open[] = {-1, 4}, unknown[] = {-2};
  desc = aclCreateTensorDesc(ACL_FLOAT, 2, open, ACL_FORMAT_ND);
  EXPECT_EQ(aclGetTensorDescSize(desc), 0u);
  EXPECT_EQ(aclGetTensorDescElementCount(desc), 0u);
  aclDestroyTensorDesc(desc);
  desc = aclCreateTensorDesc(ACL_FLOAT, 1, unknown, ACL_FORMAT_ND);
  EXPECT_EQ(aclGetTensorDescNumDims(desc), ACL_UNKNOWN_RANK);
  aclDestroyTensorDesc(desc);
  desc = aclCreateTensorDesc(ACL_FLOAT, 0, nullptr, ACL_FORMAT_ND);
  EXPECT_EQ(aclGetTensorDescSize(desc), 4u);  // a scalar
  aclDestroyTensorDesc(desc);
  EXPECT_EQ(aclGetTensorDescNumDims(nullptr), 0u);
  EXPECT_EQ(aclGetTensorDescType(nullptr), ACL_DT_UNDEFINED);
}

TEST(AclData, Datasets) {
  aclmdlDataset* dataset = aclmdlCreateDataset();
  aclDataBuffer* buffer = aclCreateDataBuffer(nullptr, 0);
  int64_t dims[] = {7};
  aclTensorDesc* desc = aclCreateTensorDesc(ACL_FLOAT, 1, dims, ACL_FORMAT_ND);
  EXPECT_EQ(aclmdlAddDatasetBuffer(dataset, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclmdlAddDatasetBuffer(dataset, buffer), ACL_SUCCESS);
  EXPECT_EQ(aclmdlGetDatasetNumBuffers(dataset), 1u);
  EXPECT_EQ(aclmdlGetDatasetBuffer(dataset, 0), buffer);
  EXPECT_EQ(aclmdlGetDatasetBuffer(dataset, 1), nullptr);
  EXPECT_EQ(aclmdlGetDatasetTensorDesc(dataset, 0), nullptr);
  EXPECT_EQ(aclmdlSetDatasetTensorDesc(dataset, desc, 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclmdlSetDatasetTensorDesc(dataset, desc, 0), ACL_SUCCESS);
  aclDestroyTensorDesc(desc);
  ASSERT_NE(aclmdlGetDatasetTensorDesc(dataset, 0), nullptr);
  EXPECT_EQ(aclGetTensorDescDim(aclmdlGetDatasetTensorDesc(dataset, 0), 0), 7);
  EXPECT_EQ(aclmdlDestroyDataset(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclmdlDestroyDataset(dataset), ACL_SUCCESS);
  EXPECT_EQ(aclDestroyDataBuffer(buffer), ACL_SUCCESS);
}

TEST(AclData, OperatorAttributes) {
  aclopAttr* attr = aclopCreateAttr();
  int64_t ints[] = {1, 2};
  const int64_t* lists[] = {ints, nullptr};
  int lengths[] = {2, 0}, bad[] = {2, 1};
  uint8_t bools[] = {1, 0};
  const char* texts[] = {"a", "b"};
  EXPECT_EQ(aclopSetAttrBool(attr, "flag", 1), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrInt(attr, nullptr, 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclopSetAttrInt(nullptr, "n", 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclopSetAttrInt(attr, "n", 1), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrFloat(attr, "f", 1.5f), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrString(attr, "s", nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclopSetAttrString(attr, "s", "text"), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrDataType(attr, "t", ACL_FLOAT), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrListInt(attr, "l", -1, ints), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclopSetAttrListInt(attr, "l", 2, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclopSetAttrListInt(attr, "l", 2, ints), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrListBool(attr, "b", 2, bools), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrListString(attr, "ls", 2, texts), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrListListInt(attr, "ll", 2, lengths, lists), ACL_SUCCESS);
  EXPECT_EQ(aclopSetAttrListListInt(attr, "ll", 2, bad, lists), ACL_ERROR_INVALID_PARAM);
  aclopDestroyAttr(attr);
}

}  // namespace
