// A graph with operators of one's own: mean over two, a built-in Relu, maximum over three; run with rows of several
// lengths, all through one compiled graph. The operators come from ASCEND_CUSTOM_OPP_PATH, or from a library that
// this program is linked to.
#include <cstdio>
#include <vector>

#include "acl/acl.h"
#include "array_ops.h"
#include "exe_graph/runtime/tensor.h"
#include "ge/ge_api.h"
#include "graph/operator_factory.h"
#include "nonlinear_fuc_ops.h"

using Options = std::map<ge::AscendString, ge::AscendString>;

namespace {

bool Check(ge::Status status, const char* what) {
  if (status == ge::SUCCESS) return true;
  std::printf("%s failed:\n%s", what, ge::GEGetErrorMsgV2().GetString());
  return false;
}

ge::Graph Build() {
  ge::op::Data x("x");
  x.set_attr_index(0).update_output_desc_y(ge::TensorDesc(ge::Shape({-1, -1}), ge::FORMAT_ND, ge::DT_FLOAT));
  ge::Operator mean = ge::OperatorFactory::CreateOperator("mean", "RunningMean");
  mean.SetInput("x", x);
  ge::op::Relu relu("relu");
  relu.set_input_x(mean);
  ge::Operator most = ge::OperatorFactory::CreateOperator("most", "RunningMax");
  most.SetInput("x", relu).SetAttr("width", 3);
  ge::Graph graph("running");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{most});
  return graph;
}

bool Run(ge::Session& session, aclrtStream stream, const std::vector<float>& row) {
  const int64_t length = static_cast<int64_t>(row.size());
  const size_t bytes = row.size() * sizeof(float);
  void* device = nullptr;
  aclrtMalloc(&device, bytes, ACL_MEM_MALLOC_HUGE_FIRST);
  aclrtMemcpy(device, bytes, row.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE);
  const gert::StorageFormat nd(ge::FORMAT_ND, ge::FORMAT_ND, {});
  std::vector<gert::Tensor> in(1), out(1);
  in[0] = gert::Tensor({{1, length}, {1, length}}, nd, gert::kOnDeviceHbm, ge::DT_FLOAT, device);
  bool ok = Check(GeSessionExecuteGraphWithStreamAsync(session, 1, stream, in, out), "executing") &&
            Check(aclrtSynchronizeStream(stream), "the run");
  if (ok) {
    std::vector<float> result(static_cast<size_t>(out[0].GetShapeSize()));
    aclrtMemcpy(result.data(), result.size() * sizeof(float), out[0].GetAddr(), result.size() * sizeof(float),
                ACL_MEMCPY_DEVICE_TO_HOST);
    for (float value : result) std::printf("%g ", value);
    std::printf("\n");
  }
  aclrtFree(device);
  return ok;
}

}  // namespace

int main() {
  // Opens the libraries of ASCEND_CUSTOM_OPP_PATH.
  if (!Check(ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}}), "GEInitialize")) return 1;
  if (!ge::OperatorFactory::IsExistOp("RunningMean")) {
    std::printf("there is no operator RunningMean: set ASCEND_CUSTOM_OPP_PATH\n");
    return 1;
  }
  aclrtSetDevice(0);
  aclrtStream stream = nullptr;
  aclrtCreateStream(&stream);
  bool ok = false;
  {
    ge::Session session(Options{});
    ok = Check(session.AddGraph(1, Build()), "AddGraph") && Check(session.CompileGraph(1), "CompileGraph") &&
         Check(GeSessionLoadGraph(session, 1, Options{}, stream), "loading") &&
         Run(session, stream, {1, 3, 5, -9, 1, 1}) && Run(session, stream, {4, -2, 0, 8}) &&
         Run(session, stream, {1, 2, 3, 4, 5, 6, 7, 8});
  }
  aclrtDestroyStream(stream);
  ge::GEFinalize();
  return ok ? 0 : 1;
}
