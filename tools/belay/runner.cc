#include "runner.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "acl/acl.h"
#include "exe_graph/runtime/tensor.h"
#include "ge/ge_api.h"
#include "parser/onnx_parser.h"

namespace belay::tool {
namespace {

using Options = std::map<ge::AscendString, ge::AscendString>;
using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The newest report's sentence: its number and the call's name mean little here.
std::string ReportText() {
  std::string text = ge::GEGetErrorMsgV2().GetString();
  if (text.empty()) return "no reason is given";
  text.resize(std::min(text.find('\n'), text.size()));
  const size_t colon = text.find(": ");
  if (colon != std::string::npos && colon < 8) text.erase(0, colon + 2);
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

Status CheckGe(ge::Status status, const char* what) {
  if (status == ge::SUCCESS) return OkStatus();
  return FailedPrecondition("{}: {}", what, ReportText());
}

Status CheckAcl(aclError error, const char* what) {
  if (error == ACL_SUCCESS) return OkStatus();
  const char* text = aclGetRecentErrMsg();
  return FailedPrecondition("{}: error {}: {}", what, error, text ? text : "no reason is given");
}

// "name:1,3;scalar"
std::string ShapesText(const std::map<std::string, std::vector<int64_t>>& shapes) {
  std::string text;
  for (const auto& [name, dims] : shapes) {
    if (!text.empty()) text += ';';
    text += name;
    for (size_t i = 0; i < dims.size(); ++i) text += fmt::format("{}{}", i ? ',' : ':', dims[i]);
  }
  return text;
}

gert::Tensor DeviceTensor(DType dtype, const std::vector<int64_t>& dims, void* address,
                          size_t bytes) {
  gert::StorageShape shape;
  for (int64_t d : dims) {
    shape.MutableOriginShape().AppendDim(d);
    shape.MutableStorageShape().AppendDim(d);
  }
  const gert::StorageFormat format(ge::FORMAT_ND, ge::FORMAT_ND, gert::ExpandDimsType());
  gert::Tensor tensor(shape, format, gert::kOnDeviceHbm, static_cast<ge::DataType>(dtype), address);
  tensor.SetSize(bytes);
  return tensor;
}

// A line that says what takes so long: rewritten on a terminal, written once elsewhere.
class Progress {
 public:
  Progress(bool wanted, std::string what)
      : what_(std::move(what)), start_(Clock::now()), wanted_(wanted) {
    if (!wanted_) return;
    if (!isatty(STDERR_FILENO)) {
      std::fprintf(stderr, "%s\n", what_.c_str());
      return;
    }
    ticker_ = std::thread([this] {
      while (!done_) {
        std::fprintf(stderr, "\r%s %.1f s", what_.c_str(), Since(start_));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  }
  ~Progress() {
    done_ = true;
    if (!ticker_.joinable()) return;
    ticker_.join();
    std::fprintf(stderr, "\r%s %.1f s\n", what_.c_str(), Since(start_));
  }

 private:
  std::string what_;
  Clock::time_point start_;
  bool wanted_;
  std::atomic<bool> done_{false};
  std::thread ticker_;
};

constexpr uint32_t kGraph = 1;

}  // namespace

struct Runner::State {
  std::unique_ptr<ge::Session> session;
  aclrtStream stream = nullptr;
  std::vector<void*> buffers;
  std::vector<gert::Tensor> inputs, outputs;

  void FreeInputs() {
    inputs.clear();
    for (void* p : buffers) (void)aclrtFree(p);
    buffers.clear();
  }
  ~State() {
    if (stream) (void)aclrtSynchronizeStream(stream);
    FreeInputs();
    outputs.clear();
    session.reset();
    if (stream) (void)aclrtDestroyStream(stream);
  }
};

Runner::Runner() : state_(new State) {}
Runner::~Runner() = default;

Result<std::unique_ptr<Runner>> Runner::Make(const std::string& model, bool from_memory,
                                             size_t outputs, const RunnerOptions& options) {
  std::unique_ptr<Runner> runner(new Runner);
  runner->state_->outputs.resize(outputs);
  BELAY_RETURN_IF_ERROR(runner->Start(model, from_memory, options));
  return runner;
}

Status Runner::Start(const std::string& model, bool from_memory, const RunnerOptions& options) {
  BELAY_RETURN_IF_ERROR(EnterThread());
  BELAY_RETURN_IF_ERROR(CheckAcl(aclrtCreateStream(&state_->stream), "aclrtCreateStream"));
  Options session_options, parser;
  session_options["ge.exec.precision_mode_v2"] =
      options.precision == "bf16" ? "mixed_bfloat16" : "origin";
  state_->session.reset(new ge::Session(session_options));
  const std::string shapes = ShapesText(options.shapes);
  if (!shapes.empty()) parser["input_shape"] = shapes.c_str();

  auto start = Clock::now();
  ge::Graph graph("model");
  const ge::graphStatus parsed =
      from_memory ? ge::aclgrphParseONNXFromMem(model.data(), model.size(), parser, graph)
                  : ge::aclgrphParseONNX(model.c_str(), parser, graph);
  BELAY_RETURN_IF_ERROR(CheckGe(parsed, "parsing"));
  BELAY_RETURN_IF_ERROR(CheckGe(state_->session->AddGraph(kGraph, graph), "adding the graph"));
  times_.parse_s = Since(start);

  start = Clock::now();
  {
    Progress line(options.progress, "compiling " + (from_memory ? std::string("model") : model));
    BELAY_RETURN_IF_ERROR(CheckGe(state_->session->CompileGraph(kGraph), "compiling"));
  }
  times_.compile_s = Since(start);
  start = Clock::now();
  BELAY_RETURN_IF_ERROR(
      CheckGe(GeSessionLoadGraph(*state_->session, kGraph, {}, state_->stream), "loading"));
  times_.load_s = Since(start);
  return OkStatus();
}

Status Runner::SetInputs(const std::vector<Array>& inputs) {
  state_->FreeInputs();
  for (const Array& a : inputs) {
    void* address = nullptr;
    const size_t bytes = a.data.size();
    BELAY_RETURN_IF_ERROR(CheckAcl(
        aclrtMalloc(&address, bytes ? bytes : 1, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc"));
    state_->buffers.push_back(address);
    if (bytes) {
      BELAY_RETURN_IF_ERROR(
          CheckAcl(aclrtMemcpy(address, bytes, a.data.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE),
                   "copying an input"));
    }
    state_->inputs.push_back(DeviceTensor(a.dtype, a.dims, address, bytes));
  }
  const size_t outputs = state_->outputs.size();
  state_->outputs.clear();
  for (size_t i = 0; i < outputs; ++i) {
    state_->outputs.push_back(
        DeviceTensor(DType::kUndefined, {}, nullptr, 0));  // the engine allocates
  }
  return OkStatus();
}

Status Runner::Launch() {
  return CheckGe(GeSessionExecuteGraphWithStreamAsync(*state_->session, kGraph, state_->stream,
                                                      state_->inputs, state_->outputs),
                 "executing");
}

Status Runner::Synchronize() { return CheckAcl(aclrtSynchronizeStream(state_->stream), "running"); }

Result<std::vector<Array>> Runner::Outputs() {
  std::vector<Array> arrays;
  for (const gert::Tensor& t : state_->outputs) {
    Array a;
    a.dtype = static_cast<DType>(t.GetDataType());
    const gert::Shape& shape = t.GetStorageShape();
    for (size_t i = 0; i < shape.GetDimNum(); ++i) a.dims.push_back(shape.GetDim(i));
    const size_t bytes = IsRunValue(a.dtype) ? t.GetSize()
                                             : static_cast<size_t>(ByteSize(a.dtype, a.Count()));
    a.data.resize(bytes);
    if (bytes) {
      BELAY_RETURN_IF_ERROR(
          CheckAcl(aclrtMemcpy(a.data.data(), bytes, t.GetAddr(), bytes, ACL_MEMCPY_DEVICE_TO_HOST),
                   "copying an output"));
    }
    arrays.push_back(std::move(a));
  }
  return arrays;
}

Result<std::string> Runner::DebugJson() {
  ge::AscendString json;
  BELAY_RETURN_IF_ERROR(
      CheckGe(GeSessionGraphDebugJSONPrint(*state_->session, kGraph, 0, json), "describing the graph"));
  return std::string(json.GetString());
}

Status EnterThread() { return CheckAcl(aclrtSetDevice(0), "aclrtSetDevice"); }

Status InitializeEngine(int threads) {
  if (threads > 0) setenv("BELAY_THREADS", std::to_string(threads).c_str(), 1);
  return CheckGe(ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}, {"ge.graphRunMode", "0"}}),
                 "GEInitialize");
}

void FinalizeEngine() {
  (void)aclrtResetDevice(0);
  (void)ge::GEFinalize();
}

}  // namespace belay::tool
