// Copies and fills, at once or in stream order.
#include <cstring>

#include "api/acl/address.h"
#include "api/acl/common.h"
#include "base/futex.h"

using belay::Stream;
using belay::acl::GetStream;
using belay::acl::NeedContext;
using belay::acl::Refuse;

namespace belay::acl {
namespace {

struct Rows {
  void* dst = nullptr;
  const void* src = nullptr;  // nullptr: fill with `value`
  size_t dpitch = 0, spitch = 0, width = 0, height = 1;
  int value = 0;

  void Run() const {
    for (size_t row = 0; row < height; ++row) {
      auto* to = static_cast<char*>(dst) + row * dpitch;
      if (src == nullptr) {
        memset(to, value, width);
      } else {
        memmove(to, static_cast<const char*>(src) + row * spitch, width);
      }
    }
  }
};

struct CopyTask final : Task {
  explicit CopyTask(const Rows& rows) : rows(rows) { may_run_on_caller = true; }
  Status Run() override {
    rows.Run();
    return OkStatus();
  }
  void Done() override { delete this; }
  Rows rows;
};

// 32 bytes behind a block belong to it, as the device's own padding would.
aclError CheckRange(const char* call, const char* name, const void* pointer, size_t bytes, AddressKind* kind) {
  constexpr size_t kSpare = 32;
  MemoryBlock block;
  *kind = KindOf(pointer, &block);
  if (*kind == AddressKind::kPageable) return ACL_SUCCESS;
  size_t offset = static_cast<size_t>(static_cast<const char*>(pointer) - static_cast<char*>(block.base));
  if (bytes <= block.size + kSpare - offset) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                fmt::format("{} bytes at {} = {} do not fit: its block of {} bytes begins at {}", bytes, name,
                            pointer, block.size, block.base),
                "copy no more than was allocated");
}

aclError CheckCounts(const char* call, size_t max, size_t count) {
  if (count == 0) return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, "count is 0", "skip empty copies");
  if (count <= max) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                fmt::format("count is {}, but the destination has {} bytes", count, max));
}

aclError CheckKind(const char* call, aclrtMemcpyKind kind) {
  if (kind >= ACL_MEMCPY_HOST_TO_HOST && kind <= ACL_MEMCPY_INTER_DEVICE_TO_DEVICE) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("kind is {}", static_cast<int>(kind)));
}

size_t Extent(size_t pitch, size_t width, size_t height) {
  return height == 0 ? 0 : (height - 1) * pitch + width;
}

aclError CheckRows(const char* call, const Rows& rows, AddressKind* dst, AddressKind* src) {
  BELAY_ACL_TRY(CheckRange(call, "dst", rows.dst, Extent(rows.dpitch, rows.width, rows.height), dst));
  if (rows.src == nullptr) return ACL_SUCCESS;
  return CheckRange(call, "src", rows.src, Extent(rows.spitch, rows.width, rows.height), src);
}

aclError CopyNow(const char* call, const Rows& rows) {
  AddressKind dst, src;
  BELAY_ACL_TRY(NeedContext(call));
  BELAY_ACL_TRY(CheckRows(call, rows, &dst, &src));
  if (rows.dst != rows.src) rows.Run();
  return ACL_SUCCESS;
}

// Pageable memory may be gone once the call returned, so such a copy is waited for.
aclError CopyInStream(const char* call, const Rows& rows, aclrtMemcpyKind kind, aclrtStream handle) {
  std::shared_ptr<Stream> stream;
  AddressKind dst = AddressKind::kDevice, src = AddressKind::kDevice;
  BELAY_ACL_TRY(GetStream(call, handle, &stream));
  BELAY_ACL_TRY(CheckRows(call, rows, &dst, &src));
  bool host_only = dst != AddressKind::kDevice && src != AddressKind::kDevice;
  if (kind == ACL_MEMCPY_HOST_TO_HOST || (kind == ACL_MEMCPY_DEFAULT && host_only)) {
    return Refuse(call, ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "a copy from host to host has no stream",
                  "use memcpy or aclrtMemcpy");
  }
  BELAY_ACL_TRY(Launch(call, *stream, new CopyTask(rows)));
  if (dst != AddressKind::kPageable && src != AddressKind::kPageable) return ACL_SUCCESS;
  CodeMap map;
  map.failed_precondition = ACL_ERROR_RT_PARAM_INVALID;
  return Translate(call, stream->WaitPassed(stream->Point()), map);
}

aclError MakeRows2d(const char* call, const Rows& rows, aclrtMemcpyKind kind) {
  if (kind != ACL_MEMCPY_HOST_TO_DEVICE && kind != ACL_MEMCPY_DEVICE_TO_HOST) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("kind is {}", static_cast<int>(kind)),
                  "two-dimensional copies go from host to device or back");
  }
  if (rows.width == 0 || rows.height == 0 || rows.width > rows.dpitch || rows.width > rows.spitch) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                  fmt::format("width {} height {} do not fit the pitches {} and {}", rows.width, rows.height,
                              rows.dpitch, rows.spitch));
  }
  return ACL_SUCCESS;
}

struct Batch {
  void** dsts;
  size_t* dest_maxs;
  void** srcs;
  size_t* sizes;
  size_t count;
  aclrtMemcpyBatchAttr* attrs;
  size_t* attr_indexes;
  size_t num_attrs;
  size_t* fail_index;
};

aclError CheckBatchEntry(const char* call, const Batch& batch, size_t i, bool* to_device) {
  *batch.fail_index = i;
  if (batch.dsts[i] == nullptr || batch.srcs[i] == nullptr) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("an address of copy {} is null", i));
  }
  BELAY_ACL_TRY(CheckCounts(call, batch.dest_maxs[i], batch.sizes[i]));
  AddressKind dst, src;
  BELAY_ACL_TRY(CheckRange(call, "dst", batch.dsts[i], batch.sizes[i], &dst));
  BELAY_ACL_TRY(CheckRange(call, "src", batch.srcs[i], batch.sizes[i], &src));
  *to_device = dst == AddressKind::kDevice;
  if (*to_device != (src == AddressKind::kDevice)) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                fmt::format("copy {} does not go between host and device", i));
}

aclError CheckBatch(const char* call, const Batch& batch) {
  BELAY_ACL_TRY(NeedContext(call));
  *batch.fail_index = SIZE_MAX;
  bool named = batch.num_attrs != 0 && batch.attrs != nullptr && batch.attr_indexes != nullptr;
  if (batch.count == 0 || !named || batch.num_attrs > batch.count || batch.attr_indexes[0] != 0) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM, "the batch or its attributes are empty or do not fit");
  }
  bool first_direction = false;
  for (size_t i = 0; i < batch.count; ++i) {
    bool to_device = false;
    BELAY_ACL_TRY(CheckBatchEntry(call, batch, i, &to_device));
    if (i == 0) first_direction = to_device;
    if (to_device != first_direction) {
      return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, "the copies of a batch go in both directions",
                    "make one batch per direction");
    }
  }
  *batch.fail_index = SIZE_MAX;
  return ACL_SUCCESS;
}

Rows Line(void* dst, const void* src, size_t count) {
  Rows rows;
  rows.dst = dst;
  rows.src = src;
  rows.width = count;
  return rows;
}

Rows Fill(void* dst, int value, size_t count) {
  Rows rows = Line(dst, nullptr, count);
  rows.value = value & 0xFF;
  return rows;
}

}  // namespace
}  // namespace belay::acl

using namespace belay::acl;  // NOLINT: the exported functions below are C

extern "C" {

aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind) try {
  BELAY_ACL_NOT_NULL(dst);
  BELAY_ACL_NOT_NULL(src);
  BELAY_ACL_TRY(CheckCounts(__func__, destMax, count));
  BELAY_ACL_TRY(CheckKind(__func__, kind));
  return CopyNow(__func__, Line(dst, src, count));
}
BELAY_ACL_END

aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(dst);
  BELAY_ACL_NOT_NULL(src);
  BELAY_ACL_TRY(CheckCounts(__func__, destMax, count));
  BELAY_ACL_TRY(CheckKind(__func__, kind));
  return CopyInStream(__func__, Line(dst, src, count), kind, stream);
}
BELAY_ACL_END

aclError aclrtMemcpyAsyncWithCondition(void* dst, size_t destMax, const void* src, size_t count,
                                       aclrtMemcpyKind kind, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(dst);
  BELAY_ACL_NOT_NULL(src);
  BELAY_ACL_TRY(CheckCounts(__func__, destMax, count));
  BELAY_ACL_TRY(CheckKind(__func__, kind));
  return CopyInStream(__func__, Line(dst, src, count), kind, stream);
}
BELAY_ACL_END

aclError aclrtMemcpy2d(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                       aclrtMemcpyKind kind) try {
  BELAY_ACL_NOT_NULL(dst);
  BELAY_ACL_NOT_NULL(src);
  Rows rows{dst, src, dpitch, spitch, width, height};
  BELAY_ACL_TRY(MakeRows2d(__func__, rows, kind));
  return CopyNow(__func__, rows);
}
BELAY_ACL_END

aclError aclrtMemcpy2dAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                            size_t height, aclrtMemcpyKind kind, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(dst);
  BELAY_ACL_NOT_NULL(src);
  Rows rows{dst, src, dpitch, spitch, width, height};
  BELAY_ACL_TRY(MakeRows2d(__func__, rows, kind));
  return CopyInStream(__func__, rows, kind, stream);
}
BELAY_ACL_END

aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) try {
  BELAY_ACL_NOT_NULL(devPtr);
  BELAY_ACL_TRY(CheckCounts(__func__, maxCount, count));
  return CopyNow(__func__, Fill(devPtr, value, count));
}
BELAY_ACL_END

aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(devPtr);
  BELAY_ACL_TRY(CheckCounts(__func__, maxCount, count));
  return CopyInStream(__func__, Fill(devPtr, value, count), ACL_MEMCPY_HOST_TO_DEVICE, stream);
}
BELAY_ACL_END

aclError aclrtMemcpyBatch(void** dsts, size_t* destMaxs, void** srcs, size_t* sizes, size_t numBatches,
                          aclrtMemcpyBatchAttr* attrs, size_t* attrsIndexes, size_t numAttrs,
                          size_t* failIndex) try {
  BELAY_ACL_NOT_NULL(dsts);
  BELAY_ACL_NOT_NULL(destMaxs);
  BELAY_ACL_NOT_NULL(srcs);
  BELAY_ACL_NOT_NULL(sizes);
  BELAY_ACL_NOT_NULL(failIndex);
  Batch batch{dsts, destMaxs, srcs, sizes, numBatches, attrs, attrsIndexes, numAttrs, failIndex};
  BELAY_ACL_TRY(CheckBatch(__func__, batch));
  for (size_t i = 0; i < numBatches; ++i) Line(dsts[i], srcs[i], sizes[i]).Run();
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtMemcpyBatchAsync(void** dsts, size_t* destMaxs, void** srcs, size_t* sizes, size_t numBatches,
                               aclrtMemcpyBatchAttr* attrs, size_t* attrsIndexes, size_t numAttrs,
                               size_t* failIndex, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(dsts);
  BELAY_ACL_NOT_NULL(destMaxs);
  BELAY_ACL_NOT_NULL(srcs);
  BELAY_ACL_NOT_NULL(sizes);
  BELAY_ACL_NOT_NULL(failIndex);
  Batch batch{dsts, destMaxs, srcs, sizes, numBatches, attrs, attrsIndexes, numAttrs, failIndex};
  BELAY_ACL_TRY(CheckBatch(__func__, batch));
  for (size_t i = 0; i < numBatches; ++i) {
    Rows rows = Line(dsts[i], srcs[i], sizes[i]);
    BELAY_ACL_TRY(CopyInStream(__func__, rows, ACL_MEMCPY_HOST_TO_DEVICE, stream));
  }
  return ACL_SUCCESS;
}
BELAY_ACL_END

// A prefetch hint: memory is one, so there is nowhere to fetch to.
aclError aclrtCmoAsync(void* src, size_t size, aclrtCmoType cmoType, aclrtStream stream) try {
  BELAY_ACL_NOT_NULL(src);
  if (size == 0 || cmoType < ACL_RT_CMO_TYPE_PREFETCH || cmoType > ACL_RT_CMO_TYPE_FLUSH) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                  fmt::format("size is {}, cmoType is {}", size, static_cast<int>(cmoType)));
  }
  std::shared_ptr<Stream> found;
  return GetStream(__func__, stream, &found);
}
BELAY_ACL_END

}  // extern "C"
