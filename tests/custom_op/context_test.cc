// What a function sees in its context: names, descriptions, attributes of every kind, scratch memory; and the layouts.
#include "custom_op/run.h"

#include "exe_graph/runtime/tiling_context.h"

namespace {

template <typename T>
constexpr bool Has(size_t size, size_t align) {
  return sizeof(T) == size && alignof(T) == align;
}
static_assert(Has<AsyncAnyValue>(16, 8) && offsetof(AsyncAnyValue, deleter) == 8);
static_assert(Has<KernelRunContext>(48, 8) && offsetof(KernelRunContext, output_size) == 8);
static_assert(offsetof(KernelRunContext, compute_node_info) == 16);
static_assert(offsetof(KernelRunContext, kernel_extend_info) == 24);
static_assert(offsetof(KernelRunContext, output_start) == 32 && offsetof(KernelRunContext, values) == 40);
static_assert(Has<gert::Chain>(16, 8) && Has<gert::KernelContext>(48, 8) && Has<gert::ExtendedKernelContext>(48, 8));
static_assert(Has<gert::AnchorInstanceInfo>(48, 4) && Has<gert::CompileTimeTensorDesc>(144, 8));
static_assert(Has<gert::ComputeNodeInfo>(88, 8) && Has<gert::KernelExtendInfo>(72, 8) && Has<gert::RuntimeAttrs>(8, 8));
static_assert(Has<gert::TilingContext>(48, 8) && Has<gert::TilingData>(64, 8) && Has<gert::InferShapeContext>(48, 8));
static_assert(Has<gert::InferDataTypeContext>(48, 8) && Has<gert::InferShapeRangeContext>(48, 8));
static_assert(Has<gert::OpExecuteOptions>(64, 4) && Has<gert::OpExecuteContext>(48, 8));
static_assert(Has<gert::OpImplRegisterV2>(8, 8));
using Functions = gert::OpImplKernelRegistry::OpImplFunctions;
static_assert(Has<Functions>(200, 8) && offsetof(Functions, private_attrs) == 72);
static_assert(offsetof(Functions, host_inputs) == 152 && offsetof(Functions, gen_simplifiedkey) == 176);

std::string seen;  // what the kernel found, in words

template <typename... Args>
void See(const char* format, Args... args) {
  char text[256];
  std::snprintf(text, sizeof(text), format, args...);
  seen += text;
}

template <typename T>
void SeeList(const gert::TypedContinuousVector<T>* list) {
  for (size_t i = 0; i < list->GetSize(); ++i) See(" %g", static_cast<double>(list->GetData()[i]));
  See(";");
}

uint32_t LookAtAttrs(gert::OpExecuteContext* context) {
  const gert::RuntimeAttrs* attrs = context->GetAttrs();
  See("%zu;", attrs->GetAttrNum());
  See(" %lld %g %d %s;", static_cast<long long>(*attrs->GetInt(0)), *attrs->GetFloat(1), *attrs->GetBool(2),
      attrs->GetStr(3));
  See(" %lld;", static_cast<long long>(*attrs->GetInt(4)));  // a type, as its number
  SeeList(attrs->GetListInt(5));
  SeeList(attrs->GetListFloat(6));
  SeeList(attrs->GetAttrPointer<gert::TypedContinuousVector<bool>>(7));
  const gert::ContinuousVectorVector* lists = attrs->GetListListInt(8);
  for (size_t i = 0; i < lists->GetSize(); ++i) {
    SeeList(reinterpret_cast<const gert::TypedContinuousVector<int64_t>*>(lists->Get(i)));
  }
  const gert::Tensor* tensor = attrs->GetTensor(9);
  See(" %lld x %lld:", static_cast<long long>(tensor->GetStorageShape().GetDim(0)),
      static_cast<long long>(tensor->GetStorageShape().GetDim(1)));
  for (int i = 0; i < 2; ++i) See(" %d", tensor->GetData<int32_t>()[i]);
  See("; %s", attrs->GetStr(10));
  See(" %d", attrs->GetInt(11) == nullptr);
  return ge::GRAPH_SUCCESS;
}

uint32_t LookAtNode(gert::OpExecuteContext* context) {
  See("%s/%s %zu>%zu;", context->GetNodeName(), context->GetNodeType(), context->GetComputeNodeInputNum(),
      context->GetComputeNodeOutputNum());
  for (size_t ir = 0; context->GetIrInputInstanceInfo(ir) != nullptr; ++ir) {
    const gert::AnchorInstanceInfo* info = context->GetIrInputInstanceInfo(ir);
    See(" %zu+%zu", info->GetInstanceStart(), info->GetInstanceNum());
  }
  See("; %d %d", context->GetInputDesc(1)->GetDataType(), context->GetDynamicInputDesc(1, 1)->GetDataType());
  See(" %d %d", context->GetOptionalInputDesc(2) == nullptr, context->GetInputDesc(3) == nullptr);
  const gert::Tensor* x = context->GetInputTensor(0);
  See("; %d %d %zu", x->GetPlacement(), x->GetStorageFormat(), x->GetSize());
  See("; %d %d", context->GetStream() == nullptr, context->GetDeterministic());
  See(" %d", context->GetOutputTensor(1) == nullptr);
  auto* a = static_cast<char*>(context->MallocWorkspace(1000));
  auto* b = static_cast<char*>(context->MallocWorkspace(1));
  if (a == nullptr || b == nullptr || a == b) return ge::GRAPH_FAILED;
  std::memset(a, 1, 1000);
  context->FreeWorkspace();
  See("; %d", context->MallocWorkspace(SIZE_MAX) == nullptr);
  return context->MallocWorkspace(8) != nullptr ? ge::GRAPH_SUCCESS : ge::GRAPH_FAILED;  // given back by the caller
}

uint32_t FirstShape(gert::InferShapeContext* context) {
  *context->GetOutputShape(0) = *context->GetInputShape(0);
  return ge::GRAPH_SUCCESS;
}

}  // namespace

namespace ge {

REG_OP(TestAttrs)
    .INPUT(x, TensorType::ALL())
    .OUTPUT(y, TensorType::ALL())
    .ATTR(i, Int, 5)
    .ATTR(f, Float, 0.5)
    .ATTR(b, Bool, true)
    .REQUIRED_ATTR(s, String)
    .ATTR(t, Type, DT_INT8)
    .ATTR(li, ListInt, {1, 2, 3})
    .REQUIRED_ATTR(lf, ListFloat)
    .ATTR(lb, ListBool, {true, false})
    .ATTR(lli, ListListInt, {{1}, {}, {2, 3}})
    .REQUIRED_ATTR(tensor, Tensor)
    .OP_END_FACTORY_REG(TestAttrs)

REG_OP(TestNode)
    .INPUT(x, TensorType::ALL())
    .DYNAMIC_INPUT(parts, TensorType::ALL())
    .OPTIONAL_INPUT(last, TensorType::ALL())
    .OUTPUT(y, TensorType::ALL())
    .OP_END_FACTORY_REG(TestNode)

}  // namespace ge

IMPL_OP(TestAttrs).InferShape(FirstShape).PrivateAttr("secret", "none").OpExecuteFunc(LookAtAttrs);
IMPL_OP(TestNode).InferShape(FirstShape).OpExecuteFunc(LookAtNode);

namespace belay_test {
namespace {

TEST_F(CustomOpTest, AttributesOfEveryKind) {
  seen.clear();
  ge::op::TestAttrs op("node");
  op.set_attr_s("text").set_attr_lf({0.5f, -1.f}).set_attr_tensor(I32({1, 2}, {8, 9}));
  (void)RunOnce(OneNode(op, {{{1}}}), {F32({1}, {0})});
  EXPECT_EQ(seen, "11; 5 0.5 1 text; 2; 1 2 3; 0.5 -1; 1 0; 1;; 2 3; 1 x 2: 8 9; none 1");
  seen.clear();
  op.set_attr_i(-1).set_attr_b(false).SetAttr("secret", "told");
  (void)RunOnce(OneNode(op, {{{1}}}), {F32({1}, {0})});
  EXPECT_EQ(seen, "11; -1 0.5 0 text; 2; 1 2 3; 0.5 -1; 1 0; 1;; 2 3; 1 x 2: 8 9; told 1");
}

TEST_F(CustomOpTest, NodesAndTensors) {
  seen.clear();
  ge::op::TestNode op("node");
  op.create_dynamic_input_parts(2);
  (void)RunOnce(OneNode(op, {{{2}}, {{1}, ge::DT_INT32}, {{1}, ge::DT_BOOL}}),
                {F32({2}, {0, 0}), I32({1}, {1}), TensorOf<uint8_t>({1}, {1}, ge::DT_BOOL)});
  EXPECT_EQ(seen, "node/TestNode 3>1; 0+1 1+2 0+0; 3 12 1 1; 1 2 8; 1 1 1; 1");
}

TEST(GertContext, TilingDataAppends) {
  auto block = gert::TilingData::CreateCap(16);
  auto* data = reinterpret_cast<gert::TilingData*>(block.get());
  *data << int64_t{7} << int32_t{3};
  EXPECT_EQ(data->GetDataSize(), 12u);
  EXPECT_EQ(data->Append(int64_t{1}), ge::GRAPH_FAILED);
  *data << int16_t{1};
  EXPECT_EQ(data->GetDataSize(), 14u);
  EXPECT_EQ(*static_cast<int64_t*>(data->GetData()), 7);
  const int32_t two[] = {1, 2};
  EXPECT_EQ(data->Append(two, 2), ge::GRAPH_FAILED);
  EXPECT_EQ(data->Append(two, 0), ge::GRAPH_SUCCESS);
}

TEST(GertContext, ComputeNodeInfoIsOneBlock) {
  size_t size = 0;
  ASSERT_EQ(gert::ComputeNodeInfo::CalcSize(2, 1, 3, 1, size), ge::GRAPH_SUCCESS);
  EXPECT_EQ(size, 80u + 2 * 48 + 4 * 144 + 48);
  EXPECT_EQ(gert::ComputeNodeInfo::CalcSize(SIZE_MAX, 1, 3, 1, size), ge::GRAPH_FAILED);
  std::vector<uint64_t> block(size / 8 + 16, 0);
  auto* info = reinterpret_cast<gert::ComputeNodeInfo*>(block.data());
  info->Init(2, 1, 3, 1, 64, "name", "Type");
  auto at = [&](const void* p) { return static_cast<const char*>(p) - reinterpret_cast<const char*>(block.data()); };
  EXPECT_EQ(at(info->GetInputInstanceInfo(1)), 80 + 48);
  EXPECT_EQ(at(info->GetInputTdInfo(0)), 80 + 96);
  EXPECT_EQ(at(info->GetOutputTdInfo(0)), 80 + 96 + 3 * 144);
  EXPECT_EQ(at(info->GetAttrs()), 80 + 96 + 4 * 144);
  EXPECT_EQ(at(info->GetOutputInstanceInfo(0)), 80 + 96 + 4 * 144 + 64);
  EXPECT_EQ(info->GetInputInstanceInfo(2), nullptr);
  EXPECT_EQ(info->GetOutputInstanceInfo(1), nullptr);
  EXPECT_EQ(info->GetInputTdInfo(3), nullptr);
  EXPECT_EQ(info->GetOutputTdInfo(1), nullptr);
  EXPECT_STREQ(info->GetNodeName(), "name");
  EXPECT_STREQ(info->GetNodeType(), "Type");
}

TEST(GertContext, ChainsOwnWhatTheyAreGiven) {
  AsyncAnyValue value{};
  auto* chain = reinterpret_cast<gert::Chain*>(&value);
  static int freed = 0;
  chain->Set(new int(3), [](void* p) {
    delete static_cast<int*>(p);
    ++freed;
  });
  EXPECT_TRUE(chain->HasDeleter());
  chain->SetWithDefaultDeleter<std::vector<int>>(new std::vector<int>{1, 2});
  EXPECT_EQ(freed, 1);
  EXPECT_EQ(chain->GetPointer<std::vector<int>>()->size(), 2u);
  chain->Set(nullptr, nullptr);
  EXPECT_FALSE(chain->HasDeleter());
  chain->GetValue<int32_t>() = 5;  // small values stand in the chain
  EXPECT_EQ(*chain->GetPointer<int32_t>(), 5);
}

}  // namespace
}  // namespace belay_test
