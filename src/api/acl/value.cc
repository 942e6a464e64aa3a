// Writes of and waits for 8-byte values in stream order.
#include <time.h>

#include <atomic>

#include "api/acl/address.h"
#include "api/acl/common.h"

using namespace belay::acl;  // NOLINT: the exported functions below are C

namespace belay::acl {
namespace {

enum WaitFlag : uint32_t { kGreaterEqual = 0, kEqual = 1, kAnd = 2, kNor = 3 };

bool Holds(uint64_t have, uint64_t want, uint32_t flag) {
  switch (flag) {
    case kGreaterEqual: return have >= want;
    case kEqual: return have == want;
    case kAnd: return (have & want) != 0;
    default: return ~(have | want) != 0;
  }
}

struct ValueTask final : Task {
  Status Run() override {
    std::atomic_ref<uint64_t> cell(*address);
    if (!waits) {
      cell.store(value);
      return OkStatus();
    }
    while (!Holds(cell.load(), value, flag)) {
      if (stream->Dropping()) return Aborted("the stream dropped a wait for a value");
      timespec nap{0, 20000};
      nanosleep(&nap, nullptr);
    }
    return OkStatus();
  }
  void Done() override { delete this; }

  uint64_t* address = nullptr;
  uint64_t value = 0;
  uint32_t flag = 0;
  bool waits = false;
  Stream* stream = nullptr;
};

aclError Push(const char* call, void* address, uint64_t value, uint32_t flag, aclrtStream handle, bool waits) {
  MemoryBlock block;
  if (reinterpret_cast<uintptr_t>(address) % 8 != 0 || KindOf(address, &block) == AddressKind::kPageable) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                  fmt::format("{} is not an 8-byte aligned device address", address));
  }
  if (flag > (waits ? kNor : 0u)) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("flag is {}", flag));
  }
  std::shared_ptr<Stream> stream;
  BELAY_ACL_TRY(GetStream(call, handle, &stream));
  auto* task = new ValueTask;
  task->address = static_cast<uint64_t*>(address);
  task->value = value;
  task->flag = flag;
  task->waits = waits;
  task->stream = stream.get();
  task->may_run_on_caller = !waits;
  return Launch(call, *stream, task);
}

}  // namespace
}  // namespace belay::acl

extern "C" {

aclError aclrtValueWrite(void* devAddr, uint64_t value, uint32_t flag, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(devAddr);
  return Push(__func__, devAddr, value, flag, stream, /*waits=*/false);
}
BELAY_ACL_END

aclError aclrtValueWait(void* devAddr, uint64_t value, uint32_t flag, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(devAddr);
  return Push(__func__, devAddr, value, flag, stream, /*waits=*/true);
}
BELAY_ACL_END

}  // extern "C"
