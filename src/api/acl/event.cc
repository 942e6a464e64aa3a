// Events in acl's three kinds.
#include "backend/event.h"

#include <atomic>

#include "api/acl/common.h"
#include "backend/device.h"
#include "base/futex.h"

using belay::acl::CodeMap;
using belay::acl::GetStream;
using belay::acl::Refuse;
using belay::acl::Translate;

namespace belay::acl {
namespace {

enum class Creator { kPlain, kWithFlag, kExWithFlag };

struct EventObject {
  EventObject(Creator creator, uint32_t flag)
      : creator(creator),
        flag(flag),
        event(creator == Creator::kExWithFlag ? EventKind::kRerecord : EventKind::kOneShot) {}
  bool Waitable() const { return creator == Creator::kPlain || (flag & ACL_EVENT_SYNC) != 0; }
  bool Timed() const { return creator == Creator::kPlain || (flag & ACL_EVENT_TIME_LINE) != 0; }

  const Creator creator;
  const uint32_t flag;
  Event event;
};

HandleTable<EventObject>& Events() {
  static auto* table = new HandleTable<EventObject>(0x4576);
  return *table;
}

std::atomic<uint32_t> op_wait_timeout_s{0};

const int64_t start_ns = MonotonicNs();

aclError Create(const char* call, aclrtEvent* event, Creator creator, uint32_t flag) {
  constexpr uint32_t kKnown =
      ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE | ACL_EVENT_EXTERNAL | ACL_EVENT_IPC;
  if (creator != Creator::kPlain && (flag == 0 || (flag & ~kKnown) != 0)) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("flag is {:#x}", flag),
                  "combine ACL_EVENT_SYNC, ACL_EVENT_TIME_LINE, ACL_EVENT_CAPTURE_STREAM_PROGRESS");
  }
  if ((flag & (ACL_EVENT_IPC | ACL_EVENT_EXTERNAL)) != 0) {
    return Refuse(call, ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                  "events of other processes and of captured models are not supported yet");
  }
  BELAY_ACL_TRY(NeedContext(call));
  *event = Events().Add(std::make_shared<EventObject>(creator, flag));
  return ACL_SUCCESS;
}

aclError FindEvent(const char* call, aclrtEvent handle, std::shared_ptr<EventObject>* event) {
  if (handle == nullptr) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM, "event is null", "pass a valid pointer as event");
  }
  *event = Events().Find(handle);
  if (*event != nullptr) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("{} is not a live event", handle),
                "create the event first, and do not use it after aclrtDestroyEvent");
}

aclError RefuseEx(const char* call) {
  return Refuse(call, ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                "events of aclrtCreateEventExWithFlag do not have this call",
                "use aclrtQueryEventStatus, and record again instead of resetting");
}

aclError SynchronizeEvent(const char* call, aclrtEvent handle, int64_t timeout_ms) {
  std::shared_ptr<EventObject> object;
  BELAY_ACL_TRY(FindEvent(call, handle, &object));
  BELAY_ACL_TRY(NeedContext(call));
  CodeMap map;
  map.timeout = ACL_ERROR_RT_EVENT_SYNC_TIMEOUT;
  return Translate(call, object->event.Synchronize(timeout_ms), map);
}

// Nanoseconds of the record, or 107006 with the reason.
aclError TimeOf(const char* call, const EventObject& object, const char* which, int64_t* time_ns) {
  if (!object.Timed()) {
    return Refuse(call, ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, fmt::format("{} keeps no time", which),
                  "create the event with ACL_EVENT_TIME_LINE");
  }
  Result<int64_t> time = object.event.TimestampNs();
  if (!time.ok()) {
    aclError code = time.status().code() == Code::kNotFound ? ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID
                                                            : ACL_ERROR_RT_EVENT_NOT_COMPLETE;
    return Refuse(call, code, fmt::format("{}: {}", which, time.status().message()),
                  "record the event and wait for it first");
  }
  *time_ns = *time;
  return ACL_SUCCESS;
}

}  // namespace
}  // namespace belay::acl

using namespace belay::acl;  // NOLINT: the exported functions below are C

extern "C" {

aclError aclrtCreateEvent(aclrtEvent* event) try {
  BELAY_ACL_NOT_NULL(event);
  return Create(__func__, event, Creator::kPlain, 0);
}
BELAY_ACL_END

aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag) try {
  BELAY_ACL_NOT_NULL(event);
  return Create(__func__, event, Creator::kWithFlag, flag);
}
BELAY_ACL_END

aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag) try {
  BELAY_ACL_NOT_NULL(event);
  return Create(__func__, event, Creator::kExWithFlag, flag);
}
BELAY_ACL_END

aclError aclrtDestroyEvent(aclrtEvent event) try {
  std::shared_ptr<EventObject> object;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  Events().Take(event);
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) try {
  std::shared_ptr<EventObject> object;
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  CodeMap map;
  map.failed_precondition = ACL_ERROR_RT_TASK_ABORT_STOP;
  return Translate(__func__, object->event.Record(found), map);
}
BELAY_ACL_END

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) try {
  std::shared_ptr<EventObject> object;
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  if (!object->Waitable()) {
    return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, "the event was created without ACL_EVENT_SYNC",
                  "create events that streams wait for with ACL_EVENT_SYNC");
  }
  CodeMap map;
  map.failed_precondition = ACL_ERROR_RT_TASK_ABORT_STOP;
  return Translate(__func__, object->event.WaitOn(found, int64_t{op_wait_timeout_s} * 1000), map);
}
BELAY_ACL_END

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) try {
  std::shared_ptr<EventObject> object;
  std::shared_ptr<belay::Stream> found;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  if (object->creator == Creator::kExWithFlag) return RefuseEx(__func__);
  BELAY_ACL_TRY(GetStream(__func__, stream, &found));
  if (!object->Waitable()) {
    return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, "the event was created without ACL_EVENT_SYNC");
  }
  object->event.Reset();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus* status) try {
  BELAY_ACL_NOT_NULL(status);
  std::shared_ptr<EventObject> object;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  if (object->creator == Creator::kExWithFlag) return RefuseEx(__func__);
  *status = object->event.Ready() ? ACL_EVENT_STATUS_COMPLETE : ACL_EVENT_STATUS_NOT_READY;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status) try {
  BELAY_ACL_NOT_NULL(status);
  std::shared_ptr<EventObject> object;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  *status = object->event.Ready() ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status) try {
  BELAY_ACL_NOT_NULL(status);
  std::shared_ptr<EventObject> object;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  if (object->creator == Creator::kExWithFlag) return RefuseEx(__func__);
  *status = object->event.Ready() ? ACL_EVENT_WAIT_STATUS_COMPLETE : ACL_EVENT_WAIT_STATUS_NOT_READY;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtSynchronizeEvent(aclrtEvent event) try { return SynchronizeEvent(__func__, event, -1); }
BELAY_ACL_END

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout) try {
  BELAY_ACL_TRY(CheckTimeout(__func__, timeout));
  return SynchronizeEvent(__func__, event, timeout);
}
BELAY_ACL_END

aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent) try {
  BELAY_ACL_NOT_NULL(ms);
  std::shared_ptr<EventObject> start, end;
  BELAY_ACL_TRY(FindEvent(__func__, startEvent, &start));
  BELAY_ACL_TRY(FindEvent(__func__, endEvent, &end));
  int64_t from = 0, to = 0;
  BELAY_ACL_TRY(TimeOf(__func__, *start, "startEvent", &from));
  BELAY_ACL_TRY(TimeOf(__func__, *end, "endEvent", &to));
  if (to < from) {
    return Refuse(__func__, ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL,
                  fmt::format("endEvent was reached {} ns before startEvent", from - to));
  }
  *ms = static_cast<float>(static_cast<double>(to - from) / 1e6);
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t* timestamp) try {
  BELAY_ACL_NOT_NULL(timestamp);
  std::shared_ptr<EventObject> object;
  BELAY_ACL_TRY(FindEvent(__func__, event, &object));
  int64_t time_ns = 0;
  BELAY_ACL_TRY(TimeOf(__func__, *object, "event", &time_ns));
  *timestamp = static_cast<uint64_t>((time_ns - start_ns) / 1000);
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtSetOpWaitTimeout(uint32_t timeout) try {
  op_wait_timeout_s.store(timeout);
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
