// The inline classes of exe_graph/runtime.
#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "exe_graph/runtime/continuous_vector.h"
#include "exe_graph/runtime/tensor.h"

namespace {

TEST(GertShape, Sizes) {
  EXPECT_EQ(gert::Shape().GetShapeSize(), 1);
  EXPECT_TRUE(gert::Shape().IsScalar());
  EXPECT_EQ(gert::Shape({2, 0, 3}).GetShapeSize(), 0);
  EXPECT_EQ(gert::Shape({1LL << 40, 1LL << 40}).GetShapeSize(), std::numeric_limits<int64_t>::min());
  gert::Shape shape({2, 3});
  EXPECT_EQ(shape.GetDim(25), std::numeric_limits<int64_t>::min());
  shape.SetDim(3, 7);  // raises the count to the index, not behind it
  EXPECT_EQ(shape.GetDimNum(), 3u);
  EXPECT_NE(shape, gert::Shape({2, 3}));
}

int frees, shares;
ge::graphStatus free_status = ge::GRAPH_SUCCESS;
ge::graphStatus Manager(gert::TensorAddress addr, gert::TensorOperateType operate, void** out) {
  if (operate == gert::kGetTensorAddress) *out = *static_cast<void**>(addr);
  if (operate == gert::kPlusShareCount) ++shares;
  if (operate != gert::kFreeTensor) return ge::GRAPH_SUCCESS;
  ++frees;
  return free_status;
}

TEST(GertTensorData, ManagerProtocol) {
  frees = shares = 0;
  int value = 5;
  void* block = &value;
  {
    gert::TensorData data(&block, Manager, 4, gert::kOnDeviceHbm);
    EXPECT_EQ(data.GetAddr(), &value);  // the address is a handle that the manager resolves
    gert::TensorData moved(std::move(data));
    EXPECT_EQ(data.GetAddr(), nullptr);
    EXPECT_EQ(data.GetPlacement(), gert::kTensorPlacementEnd);
    gert::TensorData shared;
    EXPECT_EQ(shared.ShareFrom(moved), ge::GRAPH_SUCCESS);
    EXPECT_TRUE(shared.IsSharedWith(moved));
    EXPECT_EQ(shares, 1);
    free_status = ge::GRAPH_FAILED;
    EXPECT_EQ(moved.Free(), ge::GRAPH_FAILED);
    EXPECT_EQ(moved.GetAddr(), &value);
    free_status = ge::GRAPH_SUCCESS;
    EXPECT_EQ(frees, 1);
  }
  EXPECT_EQ(frees, 3);
}

TEST(GertTensor, Following) {
  size_t total = 0;
  auto holder = gert::Tensor::CreateFollowing(10, ge::DT_INT4, total);
  ASSERT_NE(holder, nullptr);
  EXPECT_EQ(total, 752u + 5u);
  auto* tensor = reinterpret_cast<gert::Tensor*>(holder.get());
  EXPECT_EQ(tensor->GetAddr(), holder.get() + 752);
  EXPECT_EQ(tensor->GetSize(), 5u);
  EXPECT_EQ(gert::Tensor::CreateFollowing(-1, ge::DT_INT4, total), nullptr);
  EXPECT_EQ(gert::Tensor::CreateFollowing(1, ge::DT_UNDEFINED, total), nullptr);
}

TEST(GertTensor, VectorsMove) {
  frees = 0;
  int value = 5;
  void* block = &value;
  {
    std::vector<gert::Tensor> tensors(1);
    tensors[0].SetData(gert::TensorData(&block, Manager, 4, gert::kOnHost));
    tensors.resize(10);
    EXPECT_EQ(tensors[0].GetAddr(), &value);
    EXPECT_EQ(frees, 0);
  }
  EXPECT_EQ(frees, 1);
}

TEST(GertExpandDimsType, Expands) {
  gert::ExpandDimsType type("1010");
  gert::Shape shape({3, 4});
  EXPECT_EQ(type.Expand(shape), ge::GRAPH_SUCCESS);
  EXPECT_EQ(shape, gert::Shape({1, 3, 1, 4}));
  gert::Shape out;
  EXPECT_EQ(type.Expand(gert::Shape({3}), out), ge::GRAPH_FAILED);
  gert::ExpandDimsType mask((INT64_C(2) << 56) | 0x101);
  EXPECT_EQ(mask.GetFullSize(), 2u);
  EXPECT_TRUE(mask.IsExpandIndex(0));
  EXPECT_FALSE(mask.IsExpandIndex(8));
}

TEST(GertContinuousVector, HoldsItsElements) {
  auto holder = gert::ContinuousVector::Create<int64_t>(3);
  auto* list = reinterpret_cast<gert::TypedContinuousVector<int64_t>*>(holder.get());
  EXPECT_EQ(list->SetSize(4), ge::GRAPH_FAILED);
  ASSERT_EQ(list->SetSize(3), ge::GRAPH_SUCCESS);
  list->MutableData()[2] = 9;
  EXPECT_EQ(reinterpret_cast<int64_t*>(holder.get() + 56)[2], 9);
}

}  // namespace
