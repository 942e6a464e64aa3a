// Sizes, alignments and offsets that prebuilt programs rely on.
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>

#include "exe_graph/runtime/continuous_vector.h"
#include "exe_graph/runtime/range.h"
#include "exe_graph/runtime/tensor.h"
#include "ge/ge_api.h"
#include "ge/ge_ir_build.h"
#include "graph/attr_value.h"
#include "graph/graph_buffer.h"
#include "graph/operator_factory.h"

namespace {

template <typename T>
constexpr bool Has(size_t size, size_t align) {
  return sizeof(T) == size && alignof(T) == align;
}

static_assert(Has<ge::StatusFactory>(48, 8));
static_assert(Has<ge::AscendString>(16, 8));
static_assert(Has<ge::StringHead>(16, 8) && offsetof(ge::StringHead, len) == 8);
static_assert(Has<ge::TensorDescInfo>(8, 4));
static_assert(Has<ge::TensorType>(16, 8) && Has<ge::ListTensorType>(16, 8));
static_assert(Has<ge::Promote>(16, 8));
static_assert(Has<ge::Shape>(16, 8) && Has<ge::TensorDesc>(16, 8) && Has<ge::Tensor>(16, 8));
static_assert(Has<ge::Graph>(16, 8) && Has<ge::GNode>(16, 8) && Has<ge::GraphBuffer>(16, 8));
static_assert(Has<ge::Operator>(24, 8) && std::has_virtual_destructor_v<ge::Operator>);
static_assert(Has<ge::AttrValue>(16, 8) && Has<ge::ShapeAndType>(16, 8));
static_assert(Has<ge::InferenceContext>(16, 8) && Has<ge::ResourceContext>(8, 8));
static_assert(Has<ge::Allocator>(8, 8) && Has<ge::MemBlock>(40, 8));
static_assert(Has<ge::Session>(8, 8));
static_assert(Has<ge::InputTensorInfo>(48, 8) && offsetof(ge::InputTensorInfo, length) == 40);
static_assert(Has<ge::OutputTensorInfo>(48, 8) && Has<ge::ModelDistibuteDesc>(4, 4));
static_assert(Has<ge::CompiledGraphSummary>(16, 8) && Has<ge::FeatureMemory>(16, 8));
static_assert(Has<ge::ModelBufferData>(24, 8) && offsetof(ge::ModelBufferData, length) == 16);
static_assert(Has<ge::DataFlowInfo>(16, 8));
static_assert(Has<gert::Shape>(248, 8) && Has<gert::StorageShape>(536, 8));
static_assert(Has<gert::StorageFormat>(96, 8) && Has<gert::ExpandDimsType>(48, 8));
static_assert(Has<gert::TensorData>(72, 8) && Has<gert::Tensor>(752, 8));
static_assert(Has<gert::ContinuousVector>(64, 8) && Has<gert::ContinuousVectorVector>(64, 8));
static_assert(sizeof(ge::OperatorFactory) == 1 && sizeof(ge::OperatorCreatorRegister) == 1);
static_assert(sizeof(ge::Format) == 4 && sizeof(ge::DataType) == 4);

// Private members are found by the bytes they leave.
template <typename T>
T At(const void* object, size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(object) + offset, sizeof(value));
  return value;
}

TEST(Layout, GertTensor) {
  int data = 0;
  gert::Tensor tensor({{2, 3}, {4, 5, 6}}, {ge::FORMAT_NCHW, ge::FORMAT_NHWC, {}}, gert::kOnHost,
                      ge::DT_INT64, &data);
  EXPECT_EQ(At<size_t>(&tensor, 0), 2u);           // origin rank
  EXPECT_EQ(At<int64_t>(&tensor, 16), 3);          // origin dim 1
  EXPECT_EQ(At<size_t>(&tensor, 248), 3u);         // storage rank
  EXPECT_EQ(At<int64_t>(&tensor, 248 + 8), 4);     // storage dim 0
  EXPECT_EQ(At<uint32_t>(&tensor, 536), 0u);       // origin format
  EXPECT_EQ(At<uint32_t>(&tensor, 540), 1u);       // storage format
  EXPECT_EQ(At<uint32_t>(&tensor, 636), 9u);       // data type
  EXPECT_EQ(At<void*>(&tensor, 640), &data);       // address
  EXPECT_EQ(At<void*>(&tensor, 648), nullptr);     // manager
  EXPECT_EQ(At<size_t>(&tensor, 656), 4u * 5 * 6 * 8);
  EXPECT_EQ(At<int32_t>(&tensor, 664), 1);         // placement
}

TEST(Layout, EmptyGertTensorHasNoPlace) {
  gert::Tensor tensor;
  EXPECT_EQ(At<int32_t>(&tensor, 664), 4);
  EXPECT_EQ(tensor.GetPlacement(), gert::kTensorPlacementEnd);
}

TEST(Layout, ExpandDimsType) {
  gert::ExpandDimsType type("1010");
  EXPECT_EQ(At<uint64_t>(&type, 0), 4u | (0b0101u << 8));
}

TEST(Layout, PimplsAreSharedPointers) {
  ge::AscendString text("abc");
  ge::AscendString copy = text;
  void* control = At<void*>(&text, 8);
  EXPECT_EQ(At<int32_t>(control, 8), 2);  // use count at control + 8
  EXPECT_EQ(At<void*>(&copy, 0), At<void*>(&text, 0));
  ge::Operator op("name", "Type");
  EXPECT_NE(At<void*>(&op, 8), nullptr);
  EXPECT_EQ(At<void*>(&static_cast<const ge::Operator&>(ge::Operator()), 8), nullptr);
}

TEST(Layout, EnumNumbers) {
  EXPECT_EQ(ge::DT_INT32, 3);
  EXPECT_EQ(ge::DT_BF16, 27);
  EXPECT_EQ(ge::DT_FLOAT8_E4M3FN, 36);
  EXPECT_EQ(ge::FORMAT_FRACTAL_NZ, 29);
  EXPECT_EQ(ge::FORMAT_END, 49);
  EXPECT_EQ(ge::GRAPH_PARAM_INVALID, 50331649u);
  EXPECT_EQ(ge::GE_GRAPH_GRAPH_NOT_EXIST, 1343242242u);
  EXPECT_EQ(ge::GE_SESS_ALREADY_RUNNING, 1343238145u);
}

}  // namespace
