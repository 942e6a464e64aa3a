// AscendString, Shape, TensorDesc, Tensor and the functions of types.h.
#include "graph/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <unordered_set>

#include "graph/utils/type_utils.h"

namespace {

using namespace ge;  // NOLINT: the subject

TEST(AscendStringTest, NullSortsFirst) {
  const AscendString null, empty(""), a("a");
  EXPECT_STREQ(null.GetString(), "");
  EXPECT_EQ(null.GetLength(), 0u);
  EXPECT_TRUE(null < empty && empty < a && !(empty < null));
  EXPECT_TRUE(null == AscendString(nullptr) && null != empty && null <= a && a >= null);
  EXPECT_EQ(a.Hash(), std::hash<std::string>()("a"));
  EXPECT_EQ(AscendString("hello").Find(AscendString("lo")), 3u);
  EXPECT_EQ(AscendString("hello").Find(a), std::string::npos);
  EXPECT_EQ(AscendString("a\0b", 3).GetLength(), 3u);
  std::unordered_set<AscendString> set = {a, AscendString("a")};
  EXPECT_EQ(set.size(), 1u);
}

TEST(ShapeTest, Rules) {
  EXPECT_EQ(Shape().GetShapeSize(), 0);
  EXPECT_EQ(Shape({2, 3}).GetShapeSize(), 6);
  EXPECT_EQ(Shape({2, -1}).GetShapeSize(), -1);
  EXPECT_EQ(Shape({1LL << 40, 1LL << 40}).GetShapeSize(), 0);
  Shape unknown({4, -2, 3});
  EXPECT_EQ(unknown.GetDims(), std::vector<int64_t>({-2}));
  EXPECT_EQ(unknown.GetDimNum(), 0u);
  EXPECT_EQ(unknown.GetShapeSize(), -1);
  Shape shape({2, 3});
  EXPECT_EQ(shape.GetDim(2), 0);
  EXPECT_EQ(shape.SetDim(2, 1), GRAPH_FAILED);
  Shape same = shape;
  EXPECT_EQ(same.SetDim(0, 9), GRAPH_SUCCESS);
  EXPECT_EQ(shape.GetDim(0), 9);
}

TEST(TensorDescTest, CopiesShareTheShapeOnly) {
  TensorDesc desc(Shape({2, 3}), FORMAT_NCHW, DT_FLOAT16);
  desc.GetShape().SetDim(0, 5);
  EXPECT_EQ(desc.GetShape().GetDim(0), 5);
  TensorDesc copy = desc;
  copy.SetDataType(DT_INT8);
  EXPECT_EQ(desc.GetDataType(), DT_FLOAT16);
  copy.GetShape().SetDim(0, 7);
  EXPECT_EQ(desc.GetShape().GetDim(0), 7);
  copy.SetShape(Shape({1}));
  EXPECT_EQ(desc.GetShape().GetDimNum(), 2u);
}

TEST(TensorDescTest, Defaults) {
  TensorDesc desc;
  EXPECT_EQ(desc.GetFormat(), FORMAT_ND);
  EXPECT_EQ(desc.GetDataType(), DT_FLOAT);
  EXPECT_EQ(desc.GetPlacement(), kPlacementHost);
  EXPECT_EQ(desc.GetName(), "");
  uint8_t* data = nullptr;
  size_t size = 0;
  EXPECT_FALSE(desc.GetConstData(&data, size));
  desc.SetConstData(std::unique_ptr<uint8_t[]>(new uint8_t[3]{1, 2, 3}), 3);
  ASSERT_TRUE(desc.GetConstData(&data, size));
  EXPECT_EQ(data[2], 3);
  EXPECT_EQ(desc.SetUnknownDimNumShape(), GRAPH_SUCCESS);
  EXPECT_EQ(desc.GetShape().GetDims(), UNKNOWN_RANK);
}

TEST(TensorTest, CopiesItsData) {
  std::vector<uint8_t> bytes(24, 1);
  Tensor tensor(TensorDesc(Shape({2, 3})), bytes);
  bytes[0] = 9;
  EXPECT_EQ(tensor.GetData()[0], 1);
  EXPECT_EQ(tensor.IsValid(), GRAPH_SUCCESS);
  Tensor same = tensor;
  same.GetData()[0] = 4;
  EXPECT_EQ(tensor.GetData()[0], 4);
  Tensor other = tensor.Clone();
  other.GetData()[0] = 5;
  EXPECT_EQ(tensor.GetData()[0], 4);
  EXPECT_EQ(tensor.SetData(bytes.data(), 23), GRAPH_SUCCESS);
  EXPECT_EQ(tensor.IsValid(), GRAPH_FAILED);
}

TEST(TensorTest, AdoptsWithDeleter) {
  int deleted = 0;
  auto deleter = [&deleted](uint8_t* data) {
    ++deleted;
    delete[] data;
  };
  {
    Tensor tensor;
    EXPECT_EQ(tensor.SetData(new uint8_t[4], 4, deleter), GRAPH_SUCCESS);
    Tensor shared = tensor;
    tensor = Tensor();
    EXPECT_EQ(deleted, 0);
    auto owned = shared.ResetData();
    EXPECT_EQ(shared.GetData(), nullptr);
    EXPECT_EQ(shared.GetSize(), 0u);
    EXPECT_EQ(deleted, 0);
    owned.reset();
    EXPECT_EQ(deleted, 1);
    EXPECT_EQ(shared.ResetData(), nullptr);
  }
  EXPECT_EQ(deleted, 1);
}

TEST(TensorTest, Strings) {
  Tensor tensor(TensorDesc(Shape({2}), FORMAT_ND, DT_STRING));
  EXPECT_EQ(tensor.SetData(std::vector<std::string>{"ab", "c"}), GRAPH_SUCCESS);
  ASSERT_EQ(tensor.GetSize(), 2 * 16u + 3 + 2);
  StringHead head;
  std::memcpy(&head, tensor.GetData() + 16, sizeof(head));
  EXPECT_EQ(head.len, 1);
  EXPECT_STREQ(reinterpret_cast<const char*>(tensor.GetData()) + head.addr, "c");
  EXPECT_EQ(tensor.IsValid(), GRAPH_SUCCESS);
  EXPECT_EQ(tensor.SetData(std::vector<std::string>{}), GRAPH_FAILED);
  EXPECT_EQ(tensor.SetData(static_cast<const char*>(nullptr)), GRAPH_FAILED);
}

TEST(TensorTest, DimsByIndex) {
  Tensor tensor;
  EXPECT_EQ(tensor.SetShapeDim(0, 1), GRAPH_FAILED);
  EXPECT_EQ(tensor.SetShapeDimNum(2), GRAPH_SUCCESS);
  EXPECT_EQ(tensor.SetShapeDim(1, 4), GRAPH_SUCCESS);
  EXPECT_EQ(tensor.GetShapeDim(1), 4);
  EXPECT_EQ(tensor.GetTensorDesc().GetShape().GetDims(), std::vector<int64_t>({0, 4}));
}

TEST(TypesTest, Sizes) {
  EXPECT_EQ(GetSizeByDataType(DT_BF16), 2);
  EXPECT_EQ(GetSizeByDataType(DT_INT4), 1004);
  EXPECT_EQ(GetSizeByDataType(DT_STRING), -1);
  EXPECT_EQ(GetSizeInBytes(3, DT_INT4), 2);
  EXPECT_EQ(GetSizeInBytes(3, DT_FLOAT6_E3M2), 3);
  EXPECT_EQ(GetSizeInBytes(-1, DT_FLOAT), -1);
  EXPECT_EQ(GetSizeInBytes(1LL << 62, DT_FLOAT), -1);
}

TEST(TypesTest, PackedFormat) {
  const int32_t packed = GetFormatFromSubAndC0(FORMAT_FRACTAL_Z, 240, 5);
  EXPECT_EQ(packed, 4 | (240 << 8) | (5 << 24));
  EXPECT_EQ(GetPrimaryFormat(packed), FORMAT_FRACTAL_Z);
  EXPECT_EQ(GetSubFormat(packed), 240);
  EXPECT_EQ(GetC0Value(packed), 16);
  EXPECT_EQ(GetC0Value(FORMAT_ND), 0);
  EXPECT_STREQ(GetFormatName(FORMAT_FRACTAL_NZ), "FRACTAL_NZ");
  EXPECT_STREQ(GetFormatName(FORMAT_FRACTAL_ZZ), "UNKNOWN");
  EXPECT_STREQ(GetFormatName(FORMAT_NCL), "NCL");
  EXPECT_STREQ(GetFormatName(static_cast<Format>(packed)), "UNKNOWN");
}

TEST(TypesTest, SerialNames) {
  EXPECT_EQ(TypeUtils::DataTypeToSerialString(DT_BF16), "DT_BF16");
  EXPECT_EQ(TypeUtils::SerialStringToDataType("DT_INT64"), DT_INT64);
  EXPECT_EQ(TypeUtils::SerialStringToDataType("DT_NONE"), DT_UNDEFINED);
  for (uint32_t i = 0; i < FORMAT_END; ++i) {
    const Format format = static_cast<Format>(i);
    EXPECT_EQ(TypeUtils::SerialStringToFormat(TypeUtils::FormatToSerialString(format)), format);
  }
  const Format packed = static_cast<Format>(GetFormatFromSub(FORMAT_FRACTAL_Z, 4));
  EXPECT_EQ(TypeUtils::FormatToSerialString(packed), "FRACTAL_Z:4");
  EXPECT_EQ(TypeUtils::SerialStringToFormat("FRACTAL_Z:4"), packed);
  uint32_t length = 0;
  EXPECT_TRUE(TypeUtils::GetDataTypeLength(DT_STRING, length));
  EXPECT_EQ(length, 16u);
  EXPECT_FALSE(TypeUtils::GetDataTypeLength(DT_UNDEFINED, length));
}

}  // namespace
