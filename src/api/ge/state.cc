#include "api/ge/state.h"

#include <cstdlib>
#include <mutex>

#include "backend/device.h"
#include "backend/file_hashes.h"
#include "base/error_report.h"
#include "session/profiler.h"

namespace belay::api {
namespace {

// The device of a session, retained while the session lives. A thread without a context gets the device's.
class BoundDevice {
 public:
  static Result<std::shared_ptr<BoundDevice>> Retain(const OptionMap& options) {
    std::string number = OptionOf(options, "ge.session_device_id");
    if (number.empty()) number = OptionOf(options, "ge.exec.deviceId");
    const int device = number.empty() || number == "-1" ? 0 : std::atoi(number.c_str());
    const Result<void*> current = CurrentContext();
    BELAY_RETURN_IF_ERROR(SetDevice(device).Context("the session's device"));
    if (current.ok()) BELAY_RETURN_IF_ERROR(SetCurrentContext(*current));
    return std::make_shared<BoundDevice>(device);
  }
  explicit BoundDevice(int device) : device_(device) {}
  ~BoundDevice() { (void)ResetDevice(device_, /*force=*/false); }

 private:
  const int device_;
};

struct LiveSession {
  std::shared_ptr<BoundDevice> device;
  std::shared_ptr<Session> session;  // ends before its device
  CallBacks callbacks;
};

struct Process {
  std::mutex mutex;
  bool initialized = false;
  OptionMap options;
  uint64_t next_session = 1;  // 0 stands for a session that could not be made
  std::map<uint64_t, LiveSession> sessions;
};

Process& TheProcess() {
  static Process* const process = new Process();  // outlives static destructors of clients
  return *process;
}

Status NotInitialized() {
  return FailedPrecondition("the graph engine is not initialised\nDo: call ge::GEInitialize(options) first");
}

const char* GenericAdvice(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return "correct the value named above";
    case Code::kNotFound: return "use something that exists";
    case Code::kNotSupported: return "leave it out; the README lists what works";
    case Code::kOutOfMemory: return "free device memory, or use smaller tensors";
    case Code::kInternal: return "report this as a bug of Belay, with the graph";
    default: return "see the message";
  }
}

// The user segment of CANN's codes, one number per kind of failure.
const char* ReportCode(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return "EU0001";
    case Code::kNotFound: return "EU0002";
    case Code::kAlreadyExists: return "EU0003";
    case Code::kFailedPrecondition: return "E10062";
    case Code::kNotSupported: return "EU0005";
    case Code::kOutOfMemory: return "EU0006";
    case Code::kTimeout: return "EU0007";
    case Code::kAborted: return "EU0008";
    default: return "EU0009";
  }
}

}  // namespace

Status Initialize(OptionMap options) {
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (p.initialized) return OkStatus();
  BELAY_RETURN_IF_ERROR(CheckOptions(options));
  BELAY_TRY(const std::string folder, ProfilerFolder(options));
  if (!folder.empty()) {
    BELAY_RETURN_IF_ERROR(OpenProfiler(ProfilerUser::kOptions, folder).Context("ge.exec.profilingMode"));
    BELAY_RETURN_IF_ERROR(StartProfiler());
  }
  p.initialized = true;
  SetProcessCache(CodeCacheOf(options));
  p.options = std::move(options);
  return OkStatus();
}

Status Finalize() {
  Process& p = TheProcess();
  std::map<uint64_t, LiveSession> ended;
  {
    std::lock_guard<std::mutex> lock(p.mutex);
    p.initialized = false;
    SetProcessCache({});
    ended.swap(p.sessions);
  }
  ended.clear();  // the profile has their last runs
  return UserOfProfiler() == ProfilerUser::kOptions ? CloseProfiler() : OkStatus();
}

Status NeedInitialized() { return IsInitialized() ? OkStatus() : NotInitialized(); }

bool IsInitialized() {
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  return p.initialized;
}

Result<uint64_t> MakeSession(OptionMap options) {
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (!p.initialized) return NotInitialized();
  BELAY_RETURN_IF_ERROR(CheckOptions(options));
  OptionMap all = MergeOptions(p.options, options);
  BELAY_TRY(std::shared_ptr<BoundDevice> device, BoundDevice::Retain(all));
  const uint64_t id = p.next_session++;
  p.sessions[id] = {std::move(device), std::make_shared<Session>(id, std::move(all)), {}};
  return id;
}

Result<std::shared_ptr<Session>> FindSession(uint64_t id) {
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  if (!p.initialized) return NotInitialized();
  auto it = p.sessions.find(id);
  if (it != p.sessions.end()) return it->second.session;
  return FailedPrecondition("session {} does not exist: it was made before GEInitialize or ended by GEFinalize"
                            "\nDo: make the ge::Session between GEInitialize and GEFinalize", id);
}

CallBacks CallBacksOf(uint64_t session_id) {
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  auto it = p.sessions.find(session_id);
  return it == p.sessions.end() ? CallBacks() : it->second.callbacks;
}

Status SetCallBack(uint64_t session_id, const char* key, CallBack callback) {
  BELAY_RETURN_IF_ERROR(FindSession(session_id).status());
  const std::string name = key ? key : "";
  if (name != "Summary" && name != "Save") {
    return InvalidArgument("there is no callback '{}'; the keys are Summary and Save", name);
  }
  if (!callback) return InvalidArgument("callback '{}' is null", name);
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  auto it = p.sessions.find(session_id);
  if (it != p.sessions.end()) it->second.callbacks[name] = std::move(callback);
  return OkStatus();
}

void DropSession(uint64_t id) {
  LiveSession last;
  Process& p = TheProcess();
  std::lock_guard<std::mutex> lock(p.mutex);
  auto it = p.sessions.find(id);
  if (it == p.sessions.end()) return;
  last = std::move(it->second);
  p.sessions.erase(it);
}

Result<std::shared_ptr<Stream>> LiveStream(void* stream) {
  if (!stream) {
    return InvalidArgument("the stream is null\nDo: pass a stream made by aclrtCreateStream");
  }
  std::shared_ptr<Stream> found = FindStream(stream);
  if (found) return found;
  return InvalidArgument("{} is not a live stream\nDo: pass a stream made by aclrtCreateStream and not "
                                "yet destroyed", stream);
}

Result<OptionMap> ToOptions(const std::map<ge::AscendString, ge::AscendString>& options) {
  OptionMap out;
  for (auto& [key, value] : options) {
    // An AscendString made from nullptr equals only its like.
    if (key == ge::AscendString() || value == ge::AscendString()) {
      return InvalidArgument("an option's key or value is null (key '{}')", key.GetString());
    }
    out[key.GetString()] = value.GetString();
  }
  return out;
}

ge::Status Report(const Status& status, const std::string& call) {
  if (status.ok()) return ge::SUCCESS;
  std::string text = status.message(), todo = GenericAdvice(status.code());
  const size_t split = text.find("\nDo: ");
  if (split != std::string::npos) {
    todo = text.substr(split + 5);
    text.resize(split);
  }
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  ReportError({ReportCode(status.code()), text, call, CodeName(status.code()), todo});
  return ge::FAILED;
}

ge::Status Refuse(const char* function) {
  return Report(NotSupported("{} is not supported yet\nDo: leave the call out; the README lists what works",
                             function),
                function);
}

}  // namespace belay::api
