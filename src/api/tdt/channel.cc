// Channels: bounded queues of messages between threads of the process. A message is a copy of the items of one
// dataset.
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "api/acl/refuse.h"
#include "api/tdt/data_item.h"
#include "backend/device.h"

using belay::acl::Refuse;

using Message = std::vector<std::unique_ptr<acltdtDataItem>>;

struct acltdtChannelHandle {
  size_t capacity = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Message> messages;
  bool stopped = false;
};

namespace {

constexpr size_t kMinCapacity = 2, kMaxCapacity = 8192, kDefaultCapacity = 128;

Message CopyOf(const acltdtDataset& dataset) {
  Message message;
  for (const acltdtDataItem* item : dataset.items) {
    auto copy = std::make_unique<acltdtDataItem>(*item);
    const char* from = static_cast<const char*>(item->data);
    copy->bytes.assign(from, from + item->size);
    copy->data = copy->bytes.data();
    copy->received = true;
    message.push_back(std::move(copy));
  }
  return message;
}

// Waits until `ready` or the channel is stopped: timeout -1 for ever, 0 not at all, else milliseconds.
template <typename Ready>
aclError WaitFor(const char* call, acltdtChannelHandle& channel, std::unique_lock<std::mutex>& lock, int32_t timeout,
                 aclError late, const char* why, Ready ready) {
  auto done = [&] { return channel.stopped || ready(); };
  if (timeout < 0) {
    channel.changed.wait(lock, done);
  } else if (!channel.changed.wait_for(lock, std::chrono::milliseconds(timeout), done)) {
    return Refuse(call, late, fmt::format("the channel is {} after {} ms", why, timeout));
  }
  if (ready() && !channel.stopped) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_FAILURE, "the channel is stopped");
}

aclError CheckTimeout(const char* call, int32_t timeout) {
  if (timeout >= -1) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("timeout is {}", timeout),
                "pass -1 to wait, 0 to try, or milliseconds");
}

}  // namespace

extern "C" {

acltdtChannelHandle* acltdtCreateChannelWithCapacity(uint32_t deviceId, const char* name, size_t capacity) try {
  std::string why;
  if (name == nullptr || *name == '\0') why = "the channel has no name";
  if (capacity < kMinCapacity || capacity > kMaxCapacity) {
    why = fmt::format("capacity is {}; it may be {} to {}", capacity, kMinCapacity, kMaxCapacity);
  }
  if (deviceId >= static_cast<uint32_t>(belay::DeviceCount())) why = fmt::format("there is no device {}", deviceId);
  if (!why.empty()) {
    (void)Refuse(__func__, ACL_ERROR_INVALID_PARAM, why);
    return nullptr;
  }
  auto* channel = new acltdtChannelHandle;
  channel->capacity = capacity;
  return channel;
} catch (const std::bad_alloc&) {
  return nullptr;
}

acltdtChannelHandle* acltdtCreateChannel(uint32_t deviceId, const char* name) {
  return acltdtCreateChannelWithCapacity(deviceId, name, kDefaultCapacity);
}

aclError acltdtStopChannel(acltdtChannelHandle* handle) try {
  BELAY_ACL_NOT_NULL(handle);
  std::lock_guard lock(handle->mutex);
  handle->stopped = true;
  handle->changed.notify_all();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError acltdtDestroyChannel(acltdtChannelHandle* handle) try {
  BELAY_ACL_NOT_NULL(handle);
  delete handle;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError acltdtCleanChannel(acltdtChannelHandle* handle) try {
  BELAY_ACL_NOT_NULL(handle);
  std::lock_guard lock(handle->mutex);
  handle->messages.clear();
  handle->changed.notify_all();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError acltdtSendTensor(const acltdtChannelHandle* handle, const acltdtDataset* dataset, int32_t timeout) try {
  BELAY_ACL_NOT_NULL(handle);
  BELAY_ACL_NOT_NULL(dataset);
  aclError error = CheckTimeout(__func__, timeout);
  if (error != ACL_SUCCESS) return error;
  auto& channel = const_cast<acltdtChannelHandle&>(*handle);
  Message message = CopyOf(*dataset);
  std::unique_lock lock(channel.mutex);
  error = WaitFor(__func__, channel, lock, timeout, ACL_ERROR_RT_QUEUE_FULL, "full",
                  [&] { return channel.messages.size() < channel.capacity; });
  if (error != ACL_SUCCESS) return error;
  channel.messages.push_back(std::move(message));
  channel.changed.notify_all();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError acltdtReceiveTensor(const acltdtChannelHandle* handle, acltdtDataset* dataset, int32_t timeout) try {
  BELAY_ACL_NOT_NULL(handle);
  BELAY_ACL_NOT_NULL(dataset);
  aclError error = CheckTimeout(__func__, timeout);
  if (error != ACL_SUCCESS) return error;
  if (!dataset->items.empty()) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("the dataset has {} items", dataset->items.size()),
                  "receive into an empty dataset");
  }
  auto& channel = const_cast<acltdtChannelHandle&>(*handle);
  std::unique_lock lock(channel.mutex);
  error = WaitFor(__func__, channel, lock, timeout, ACL_ERROR_RT_QUEUE_EMPTY, "empty",
                  [&] { return !channel.messages.empty(); });
  if (error != ACL_SUCCESS) return error;
  dataset->received = std::move(channel.messages.front());
  for (const auto& item : dataset->received) dataset->items.push_back(item.get());
  channel.messages.pop_front();
  channel.changed.notify_all();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError acltdtQueryChannelSize(const acltdtChannelHandle* handle, size_t* size) try {
  BELAY_ACL_NOT_NULL(handle);
  BELAY_ACL_NOT_NULL(size);
  auto& channel = const_cast<acltdtChannelHandle&>(*handle);
  std::lock_guard lock(channel.mutex);
  *size = channel.messages.size();
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
