#include "engine.h"

#include <map>
#include <stdexcept>
#include <utility>

#include "acl/acl.h"
#include "exe_graph/runtime/tensor.h"
#include "ge/ge_api.h"
#include "parser/onnx_parser.h"

namespace {

using Options = std::map<ge::AscendString, ge::AscendString>;

void CheckGe(ge::Status status, const std::string& what) {
  if (status == ge::SUCCESS) return;
  throw std::runtime_error(what + ": " + ge::GEGetErrorMsgV2().GetString());
}

void CheckAcl(aclError error, const std::string& what) {
  if (error == ACL_SUCCESS) return;
  const char* text = aclGetRecentErrMsg();
  throw std::runtime_error(what + ": error " + std::to_string(error) + " " + (text ? text : ""));
}

// Device memory that only grows, so that a second picture allocates nothing.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() {
    if (address_ != nullptr) (void)aclrtFree(address_);
  }

  void* Reserve(size_t bytes) {
    if (bytes <= bytes_) return address_;
    if (address_ != nullptr) CheckAcl(aclrtFree(address_), "aclrtFree");
    address_ = nullptr;
    bytes_ = 0;
    CheckAcl(aclrtMalloc(&address_, bytes, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc");
    bytes_ = bytes;
    return address_;
  }

 private:
  void* address_ = nullptr;
  size_t bytes_ = 0;
};

gert::Tensor DeviceTensor(const std::vector<int64_t>& dims, void* address, size_t bytes) {
  gert::StorageShape shape;
  for (int64_t dim : dims) {
    shape.MutableOriginShape().AppendDim(dim);
    shape.MutableStorageShape().AppendDim(dim);
  }
  const gert::StorageFormat format(ge::FORMAT_ND, ge::FORMAT_ND, gert::ExpandDimsType());
  gert::Tensor tensor(shape, format, gert::kOnDeviceHbm, ge::DT_FLOAT, address);
  tensor.SetSize(bytes);
  return tensor;
}

}  // namespace

struct Engine::State {
  aclrtStream stream = nullptr;
  std::unique_ptr<ge::Session> session;
  uint32_t graphs = 0;
  DeviceBuffer input;
  DeviceBuffer output;
};

Engine::Engine() : state_(new State) {
  CheckGe(ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}, {"ge.graphRunMode", "0"}}),
          "GEInitialize");
  CheckAcl(aclrtSetDevice(0), "aclrtSetDevice");
  CheckAcl(aclrtCreateStream(&state_->stream), "aclrtCreateStream");
  state_->session.reset(new ge::Session(Options{}));
}

Engine::~Engine() {
  state_->session.reset();
  if (state_->stream != nullptr) (void)aclrtDestroyStream(state_->stream);
  state_.reset();
  (void)aclrtResetDevice(0);
  (void)ge::GEFinalize();
}

uint32_t Engine::Load(const std::string& onnx_file) {
  const uint32_t id = ++state_->graphs;
  ge::Graph graph(("model_" + std::to_string(id)).c_str());
  CheckGe(ge::aclgrphParseONNX(onnx_file.c_str(), Options{}, graph), "parsing " + onnx_file);
  CheckGe(state_->session->AddGraph(id, graph), "adding " + onnx_file);
  CheckGe(state_->session->CompileGraph(id), "compiling " + onnx_file);
  CheckGe(GeSessionLoadGraph(*state_->session, id, Options{}, state_->stream),
          "loading " + onnx_file);
  return id;
}

Array Engine::Run(uint32_t graph, const Array& input, size_t max_output) {
  const size_t in_bytes = input.data.size() * sizeof(float);
  const size_t out_bytes = max_output * sizeof(float);
  void* in_address = state_->input.Reserve(in_bytes);
  void* out_address = state_->output.Reserve(out_bytes);
  CheckAcl(aclrtMemcpyAsync(in_address, in_bytes, input.data.data(), in_bytes,
                            ACL_MEMCPY_HOST_TO_DEVICE, state_->stream),
           "copying the input");

  std::vector<gert::Tensor> inputs;
  std::vector<gert::Tensor> outputs;
  inputs.push_back(DeviceTensor(input.shape, in_address, in_bytes));
  outputs.push_back(DeviceTensor({}, out_address, out_bytes));
  CheckGe(GeSessionExecuteGraphWithStreamAsync(*state_->session, graph, state_->stream, inputs,
                                               outputs),
          "running graph " + std::to_string(graph));

  // The call knows the shape from the input's; the values are there after synchronization.
  Array result;
  const gert::Shape& shape = outputs[0].GetStorageShape();
  for (size_t i = 0; i < shape.GetDimNum(); ++i) result.shape.push_back(shape.GetDim(i));
  result.data.resize(static_cast<size_t>(shape.GetShapeSize()));
  const size_t bytes = result.data.size() * sizeof(float);
  CheckAcl(aclrtMemcpyAsync(result.data.data(), bytes, out_address, bytes,
                            ACL_MEMCPY_DEVICE_TO_HOST, state_->stream),
           "copying the output");
  CheckAcl(aclrtSynchronizeStream(state_->stream), "aclrtSynchronizeStream");
  return result;
}
