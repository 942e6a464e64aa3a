// Events: marks in streams that other streams and threads wait for.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>

#include "backend/stream.h"
#include "base/status.h"

namespace belay {

enum class EventKind : uint8_t {
  kOneShot,   // a wait before the record waits for it; recorded again only after Reset
  kRerecord,  // a wait binds to the latest record at the time of the call, and passes when there is none
};

struct EventMark;  // one record

class Event {
 public:
  explicit Event(EventKind kind);
  // Nothing that waits for a record that now never comes is left hanging.
  ~Event();
  Event(const Event&) = delete;

  Status Record(const std::shared_ptr<Stream>& stream);
  // Holds what is pushed to `stream` later. timeout_ms <= 0: no limit; expiry is a failure of the stream.
  Status WaitOn(const std::shared_ptr<Stream>& stream, int64_t timeout_ms);
  void Reset();
  // True when the last record was reached, or when there is none.
  bool Ready() const;
  // kTimeout after timeout_ms (< 0: never).
  Status Synchronize(int64_t timeout_ms) const;
  // When the record was reached, in nanoseconds of the monotonic clock. kNotFound: not recorded;
  // kFailedPrecondition: not reached yet.
  Result<int64_t> TimestampNs() const;

 private:
  std::shared_ptr<EventMark> Mark() const;

  const EventKind kind_;
  mutable std::mutex mutex_;
  std::shared_ptr<EventMark> mark_;
};

}  // namespace belay
