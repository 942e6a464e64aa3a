#include "backend/device.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

namespace belay {
namespace {

// Outside every user address range, so that no pointer is ever taken for a handle.
constexpr uint64_t kContextTag = uint64_t{0x4378} << 48;
constexpr uint64_t kStreamTag = uint64_t{0x5374} << 48;

struct StreamEntry {
  std::shared_ptr<Stream> stream;
  void* context = nullptr;
};

struct Context {
  int device = 0;
  bool is_default = false;
  void* default_stream = nullptr;
  StopFlag stop_flag;
};

struct Runtime {
  std::mutex mutex;
  std::map<void*, Context> contexts;
  std::map<void*, StreamEntry> streams;
  std::map<int, std::pair<void*, int>> defaults;  // device: its default context and how often it is retained
  uint64_t next_id = 1;
  std::atomic<uint64_t> generation{1};  // changes when a context or stream ends
  std::atomic<int> implicit_device{-1};
};

Runtime& TheRuntime() {
  static Runtime* runtime = [] {
    static Runtime* made = new Runtime;  // never destroyed: clients call from static destructors
    pthread_atfork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); }, [] { made->mutex.unlock(); });
    return made;
  }();
  return *runtime;
}

thread_local void* current_context = nullptr;

std::vector<int> ReadVisibleDevices() {
  int physical = 1;
  if (const char* text = getenv("BELAY_DEVICES")) physical = std::clamp(atoi(text), 1, 64);
  std::vector<int> visible;
  const char* list = getenv("ASCEND_RT_VISIBLE_DEVICES");
  if (list == nullptr) {
    for (int i = 0; i < physical; ++i) visible.push_back(i);
    return visible;
  }
  std::stringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');) {  // only the valid prefix counts
    char* end = nullptr;
    long id = strtol(item.c_str(), &end, 10);
    bool known = std::find(visible.begin(), visible.end(), id) != visible.end();
    if (end == item.c_str() || *end != 0 || id < 0 || id >= physical || known) break;
    visible.push_back(static_cast<int>(id));
  }
  return visible;
}

const std::vector<int>& VisibleDevices() {
  static const auto* visible = new std::vector<int>(ReadVisibleDevices());
  return *visible;
}

Status CheckDevice(int device) {
  if (device >= 0 && device < DeviceCount()) return OkStatus();
  return InvalidArgument("device {} does not exist: there are {} devices, numbered from 0", device, DeviceCount());
}

void* NewHandle(Runtime& runtime, uint64_t tag) {
  return reinterpret_cast<void*>(tag | runtime.next_id++ << 4);
}

// A context's default stream, made before the runtime's lock is taken: fork locks the two in the other order.
struct FreshStream {
  StopFlag stop_flag = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<Stream> stream = MakeStream(stop_flag);
};

// The runtime's lock is held in the functions named ...Locked.
void* AddContextLocked(Runtime& runtime, int device, bool is_default, const FreshStream& fresh) {
  void* context = NewHandle(runtime, kContextTag);
  void* handle = NewHandle(runtime, kStreamTag);
  runtime.streams[handle] = {fresh.stream, context};
  runtime.contexts[context] = {device, is_default, handle, fresh.stop_flag};
  return context;
}

std::vector<StreamEntry> StreamsOfContextLocked(Runtime& runtime, void* context) {
  std::vector<StreamEntry> found;
  for (auto& [handle, entry] : runtime.streams) {
    if (entry.context == context) found.push_back(entry);
  }
  return found;
}

// Waits for the context's work, then ends its streams and itself; the waiting and ending is done unlocked.
void EndContext(Runtime& runtime, void* context) {
  std::vector<StreamEntry> ended;
  {
    std::lock_guard lock(runtime.mutex);
    ended = StreamsOfContextLocked(runtime, context);
  }
  for (auto& entry : ended) (void)entry.stream->Synchronize();
  std::lock_guard lock(runtime.mutex);
  std::erase_if(runtime.streams, [&](auto& item) { return item.second.context == context; });
  runtime.contexts.erase(context);
  runtime.generation.fetch_add(1);
}

Status NoContext() {
  return NotFound("this thread has no context: neither a device nor a context was set on it");
}

// This thread's live context, or nullptr.
void* LiveContext() {
  Runtime& runtime = TheRuntime();
  thread_local void* checked = nullptr;
  thread_local uint64_t checked_at = 0;
  uint64_t generation = runtime.generation.load(std::memory_order_acquire);
  if (current_context != nullptr && checked == current_context && checked_at == generation) return checked;
  if (current_context != nullptr) {
    std::lock_guard lock(runtime.mutex);
    if (runtime.contexts.count(current_context) == 0) current_context = nullptr;
  }
  int implicit = runtime.implicit_device.load(std::memory_order_relaxed);
  if (current_context == nullptr && implicit >= 0) (void)SetDevice(implicit);
  checked = current_context;
  checked_at = generation;
  return checked;
}

// What this thread looked up last; weak, so that a cache keeps no stream alive.
struct StreamCache {
  void* key = nullptr;  // the stream's handle, or the context's for its default stream
  uint64_t generation = 0;
  std::weak_ptr<Stream> stream;
  ~StreamCache();
};
thread_local bool cache_gone = false;  // static destructors run after this thread's
StreamCache::~StreamCache() { cache_gone = true; }

std::shared_ptr<Stream> LookUp(void* handle, void* context_of_default) {
  Runtime& runtime = TheRuntime();
  std::lock_guard lock(runtime.mutex);
  if (handle == nullptr) {
    auto context = runtime.contexts.find(context_of_default);
    if (context == runtime.contexts.end()) return nullptr;
    handle = context->second.default_stream;
  }
  auto found = runtime.streams.find(handle);
  return found == runtime.streams.end() ? nullptr : found->second.stream;
}

}  // namespace

int DeviceCount() { return static_cast<int>(VisibleDevices().size()); }

Result<int> PhysicalDevice(int device) {
  BELAY_RETURN_IF_ERROR(CheckDevice(device));
  return VisibleDevices()[device];
}

Status SetDevice(int device) {
  BELAY_RETURN_IF_ERROR(CheckDevice(device));
  Runtime& runtime = TheRuntime();
  FreshStream fresh;
  std::lock_guard lock(runtime.mutex);
  auto& [context, count] = runtime.defaults[device];
  if (count == 0) context = AddContextLocked(runtime, device, true, fresh);
  ++count;
  current_context = context;
  return OkStatus();
}

Status ResetDevice(int device, bool force) {
  BELAY_RETURN_IF_ERROR(CheckDevice(device));
  Runtime& runtime = TheRuntime();
  void* ended = nullptr;
  {
    std::lock_guard lock(runtime.mutex);
    auto found = runtime.defaults.find(device);
    if (found == runtime.defaults.end() || found->second.second == 0) {
      return FailedPrecondition("device {} is not set: it was reset as often as it was set", device);
    }
    auto& [context, count] = found->second;
    if (!force && --count > 0) return OkStatus();
    ended = context;
    runtime.defaults.erase(found);
  }
  EndContext(runtime, ended);
  if (current_context == ended) current_context = nullptr;
  return OkStatus();
}

Result<int> CurrentDevice() {
  void* context = LiveContext();
  if (context == nullptr) return NoContext();
  return DeviceOfContext(context);
}

bool DefaultContextActive(int device) {
  Runtime& runtime = TheRuntime();
  std::lock_guard lock(runtime.mutex);
  return runtime.defaults.count(device) != 0;
}

void SetImplicitDevice(int device) { TheRuntime().implicit_device.store(device); }

Result<void*> CreateContext(int device) {
  BELAY_RETURN_IF_ERROR(CheckDevice(device));
  Runtime& runtime = TheRuntime();
  FreshStream fresh;
  std::lock_guard lock(runtime.mutex);
  current_context = AddContextLocked(runtime, device, false, fresh);
  return current_context;
}

Status DestroyContext(void* context) {
  Runtime& runtime = TheRuntime();
  {
    std::lock_guard lock(runtime.mutex);
    auto found = runtime.contexts.find(context);
    if (found == runtime.contexts.end()) return InvalidArgument("{} is not a live context", context);
    if (found->second.is_default) {
      return InvalidArgument("{} is device {}'s default context, which only a device reset ends", context,
                             found->second.device);
    }
  }
  EndContext(runtime, context);
  if (current_context == context) current_context = nullptr;
  return OkStatus();
}

Status SetCurrentContext(void* context) {
  BELAY_TRY([[maybe_unused]] int device, DeviceOfContext(context));
  current_context = context;
  return OkStatus();
}

Result<void*> CurrentContext() {
  void* context = LiveContext();
  if (context == nullptr) return NoContext();
  return context;
}

Result<int> DeviceOfContext(void* context) {
  Runtime& runtime = TheRuntime();
  std::lock_guard lock(runtime.mutex);
  auto found = runtime.contexts.find(context);
  if (found == runtime.contexts.end()) return InvalidArgument("{} is not a live context", context);
  return found->second.device;
}

Result<void*> CreateStream() {
  void* context = LiveContext();
  if (context == nullptr) return NoContext();
  Runtime& runtime = TheRuntime();
  StopFlag stop_flag;
  {
    std::lock_guard lock(runtime.mutex);
    auto found = runtime.contexts.find(context);
    if (found == runtime.contexts.end()) return NoContext();
    stop_flag = found->second.stop_flag;
  }
  std::shared_ptr<Stream> stream = MakeStream(std::move(stop_flag));
  std::lock_guard lock(runtime.mutex);
  void* handle = NewHandle(runtime, kStreamTag);
  runtime.streams[handle] = {std::move(stream), context};
  return handle;
}

Status DestroyStream(void* handle, bool drop) {
  Runtime& runtime = TheRuntime();
  std::shared_ptr<Stream> stream;
  {
    std::lock_guard lock(runtime.mutex);
    auto found = runtime.streams.find(handle);
    if (found == runtime.streams.end()) return InvalidArgument("{} is not a live stream", handle);
    auto context = runtime.contexts.find(found->second.context);
    if (context != runtime.contexts.end() && context->second.default_stream == handle) {
      return InvalidArgument("{} is a context's default stream, which ends with its context", handle);
    }
    stream = std::move(found->second.stream);
    runtime.streams.erase(found);
    runtime.generation.fetch_add(1);
  }
  if (drop) {
    stream->Drop();
    return OkStatus();
  }
  return stream->WaitPassed(stream->Point());
}

Result<void*> DefaultStream() {
  void* context = LiveContext();
  if (context == nullptr) return NoContext();
  Runtime& runtime = TheRuntime();
  std::lock_guard lock(runtime.mutex);
  auto found = runtime.contexts.find(context);
  if (found == runtime.contexts.end()) return NoContext();
  return found->second.default_stream;
}

Result<void*> ContextOfStream(void* handle) {
  Runtime& runtime = TheRuntime();
  std::lock_guard lock(runtime.mutex);
  auto found = runtime.streams.find(handle);
  if (found == runtime.streams.end()) return InvalidArgument("{} is not a live stream", handle);
  return found->second.context;
}

Result<std::shared_ptr<Stream>> StreamOfCurrentContext(void* handle) {
  void* context = LiveContext();
  if (context == nullptr) return NoContext();
  if (handle != nullptr) {
    thread_local void* good_handle = nullptr;
    thread_local void* good_context = nullptr;
    if (handle != good_handle || context != good_context) {
      BELAY_TRY(void* owner, ContextOfStream(handle));
      if (owner != context) {
        return FailedPrecondition("stream {} belongs to context {}, but {} is current", handle, owner, context);
      }
      good_handle = handle;
      good_context = context;
    }
  }
  std::shared_ptr<Stream> stream = FindStream(handle);
  if (stream == nullptr) return InvalidArgument("{} is not a live stream", handle);
  return stream;
}

std::vector<std::shared_ptr<Stream>> StreamsOfDevice(int device) {
  Runtime& runtime = TheRuntime();
  std::vector<std::shared_ptr<Stream>> found;
  std::lock_guard lock(runtime.mutex);
  for (auto& [handle, entry] : runtime.streams) {
    auto context = runtime.contexts.find(entry.context);
    if (context == runtime.contexts.end()) continue;
    if (device < 0 || context->second.device == device) found.push_back(entry.stream);
  }
  return found;
}

std::shared_ptr<Stream> FindStream(void* handle) {
  void* context = nullptr;
  if (handle == nullptr && (context = LiveContext()) == nullptr) return nullptr;
  if (cache_gone) return LookUp(handle, context);
  thread_local StreamCache cache;
  void* key = handle != nullptr ? handle : context;
  uint64_t generation = TheRuntime().generation.load(std::memory_order_acquire);
  if (cache.key == key && cache.generation == generation) {
    if (auto stream = cache.stream.lock()) return stream;
  }
  std::shared_ptr<Stream> stream = LookUp(handle, context);
  cache.key = stream != nullptr ? key : nullptr;
  cache.generation = generation;
  cache.stream = stream;
  return stream;
}

}  // namespace belay
