#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "acl_test.h"

namespace {

using AclMemory = AclTest;

void* Device(size_t size) {
  void* pointer = nullptr;
  EXPECT_EQ(aclrtMalloc(&pointer, size, ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
  return pointer;
}

TEST_F(AclMemory, AllocateAndFree) {
  void* pointer = nullptr;
  EXPECT_EQ(aclrtMalloc(nullptr, 8, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMalloc(&pointer, 0, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMalloc(&pointer, size_t{1} << 60, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_RT_MEMORY_ALLOCATION);
  EXPECT_EQ(aclrtFree(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtFree(&pointer), ACL_ERROR_RT_PARAM_INVALID);
  for (auto policy : {ACL_MEM_MALLOC_HUGE_FIRST, ACL_MEM_MALLOC_NORMAL_ONLY, static_cast<aclrtMemMallocPolicy>(77)}) {
    ASSERT_EQ(aclrtMalloc(&pointer, 100, policy), ACL_SUCCESS);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % 64, 0u);
    EXPECT_EQ(aclrtFreeHost(pointer), ACL_ERROR_RT_PARAM_INVALID);
    EXPECT_EQ(aclrtFree(pointer), ACL_SUCCESS);
    EXPECT_EQ(aclrtFree(pointer), ACL_ERROR_RT_PARAM_INVALID);
  }
  ASSERT_EQ(aclrtMallocAlign32(&pointer, 100, ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(pointer), ACL_SUCCESS);
}

TEST_F(AclMemory, HostMemory) {
  void* pointer = nullptr;
  EXPECT_EQ(aclrtMallocHost(nullptr, 8), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMallocHost(&pointer, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMallocHost(&pointer, size_t{1} << 60), ACL_ERROR_BAD_ALLOC);
  EXPECT_EQ(aclrtFreeHost(nullptr), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(aclrtMallocHost(&pointer, 100), ACL_SUCCESS);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % 64, 0u);
  EXPECT_EQ(aclrtFree(pointer), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtFreeHost(pointer), ACL_SUCCESS);
  ASSERT_EQ(aclrtMallocHostWithCfg(&pointer, 100, nullptr), ACL_SUCCESS);
  EXPECT_EQ(aclrtFreeHost(pointer), ACL_SUCCESS);
}

TEST_F(AclMemory, PointersAreToldApart) {
  aclrtPtrAttributes attributes;
  int plain = 0;
  void* host = nullptr;
  void* device = Device(64);
  ASSERT_EQ(aclrtMallocHost(&host, 64), ACL_SUCCESS);
  EXPECT_EQ(aclrtPointerGetAttributes(nullptr, &attributes), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(aclrtPointerGetAttributes(static_cast<char*>(device) + 5, &attributes), ACL_SUCCESS);
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_DEVICE);
  EXPECT_EQ(attributes.location.id, 0u);
  ASSERT_EQ(aclrtPointerGetAttributes(host, &attributes), ACL_SUCCESS);
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_HOST);
  ASSERT_EQ(aclrtPointerGetAttributes(&plain, &attributes), ACL_SUCCESS);
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_UNREGISTERED);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
  EXPECT_EQ(aclrtFreeHost(host), ACL_SUCCESS);
}

TEST_F(AclMemory, RegisteredHostMemoryIsPinned) {
  void* pages = aligned_alloc(4096, 8192);
  void* mapped = nullptr;
  aclrtPtrAttributes attributes;
  EXPECT_EQ(aclrtHostRegister(nullptr, 4096, ACL_HOST_REGISTER_MAPPED, &mapped), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtHostRegister(pages, 0, ACL_HOST_REGISTER_MAPPED, &mapped), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtHostRegister(static_cast<char*>(pages) + 8, 64, ACL_HOST_REGISTER_MAPPED, &mapped),
            ACL_ERROR_RT_PARAM_INVALID);
  ASSERT_EQ(aclrtHostRegister(pages, 8192, ACL_HOST_REGISTER_MAPPED, &mapped), ACL_SUCCESS);
  EXPECT_EQ(mapped, pages);
  EXPECT_EQ(aclrtHostRegisterV2(pages, 8192, 2), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtHostRegisterV2(pages, 8192, 1), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(aclrtPointerGetAttributes(static_cast<char*>(pages) + 5000, &attributes), ACL_SUCCESS);
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_HOST);
  EXPECT_EQ(aclrtHostUnregister(pages), ACL_SUCCESS);
  EXPECT_EQ(aclrtHostUnregister(pages), ACL_ERROR_RT_PARAM_INVALID);
  free(pages);
}

TEST_F(AclMemory, CopyChecksItsArguments) {
  char host[64] = {};
  void* device = Device(64);
  auto copy = [&](void* dst, size_t max, const void* src, size_t count, int kind) {
    return aclrtMemcpy(dst, max, src, count, static_cast<aclrtMemcpyKind>(kind));
  };
  EXPECT_EQ(copy(nullptr, 64, host, 64, 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(copy(device, 64, nullptr, 64, 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(copy(device, 64, host, 0, 1), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(copy(device, 63, host, 64, 1), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(copy(device, 64, host, 64, 8), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(copy(device, 64, host, 64, -1), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(copy(device, 64, device, 64, 3), ACL_SUCCESS);
  EXPECT_EQ(copy(device, 4096, host, 4096, 1), ACL_ERROR_RT_PARAM_INVALID);  // beyond the block
  EXPECT_NE(RecentMessage().find("64 bytes"), std::string::npos);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, CopiesInEveryDirection) {
  std::vector<int> from(1000), to(1000);
  for (int i = 0; i < 1000; ++i) from[i] = i;
  size_t bytes = from.size() * sizeof(int);
  void* a = Device(bytes);
  void* b = Device(bytes);
  EXPECT_EQ(aclrtMemcpy(a, bytes, from.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE), ACL_SUCCESS);
  EXPECT_EQ(aclrtMemcpy(b, bytes, a, bytes, ACL_MEMCPY_DEVICE_TO_DEVICE), ACL_SUCCESS);
  EXPECT_EQ(aclrtMemcpy(to.data(), bytes, b, bytes, ACL_MEMCPY_DEFAULT), ACL_SUCCESS);
  EXPECT_EQ(from, to);
  std::vector<int> third(1000);
  EXPECT_EQ(aclrtMemcpy(third.data(), bytes, to.data(), bytes, ACL_MEMCPY_HOST_TO_HOST), ACL_SUCCESS);
  EXPECT_EQ(third, to);
  EXPECT_EQ(aclrtFree(a), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(b), ACL_SUCCESS);
}

TEST_F(AclMemory, Fill) {
  unsigned char* device = static_cast<unsigned char*>(Device(64));
  EXPECT_EQ(aclrtMemset(nullptr, 64, 1, 64), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMemset(device, 63, 1, 64), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtMemset(device, 64, 0x1FE, 64), ACL_SUCCESS);
  EXPECT_EQ(device[0], 0xFE);
  EXPECT_EQ(device[63], 0xFE);
  EXPECT_EQ(aclrtMemsetAsync(device, 64, 7, 32, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtMemsetAsync(device, 16, 7, 32, stream_), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(device[31], 7);
  EXPECT_EQ(device[32], 0xFE);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, PinnedCopiesAreQueuedAndPageableOnesWaitedFor) {
  void* pinned = nullptr;
  ASSERT_EQ(aclrtMallocHost(&pinned, 64), ACL_SUCCESS);
  void* device = Device(64);
  memset(pinned, 5, 64);
  ASSERT_EQ(aclrtMemset(device, 64, 0, 64), ACL_SUCCESS);
  Gate gate;
  gate.Hold(stream_);
  ASSERT_EQ(aclrtMemcpyAsync(device, 64, pinned, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream_), ACL_SUCCESS);
  EXPECT_EQ(*static_cast<volatile char*>(device), 0);  // returned while the stream is held
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    gate.Open();
  });
  char pageable[64];
  ASSERT_EQ(aclrtMemcpyAsync(pageable, 64, device, 64, ACL_MEMCPY_DEVICE_TO_HOST, stream_), ACL_SUCCESS);
  EXPECT_EQ(pageable[63], 5);  // behind the queued copy, and done at return
  opener.join();
  EXPECT_EQ(aclrtFreeHost(pinned), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, AsyncErrors) {
  char host[64] = {};
  void* device = Device(64);
  aclrtStream foreign = reinterpret_cast<aclrtStream>(host);
  EXPECT_EQ(aclrtMemcpyAsync(host, 64, host + 32, 32, ACL_MEMCPY_HOST_TO_HOST, stream_),
            ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_EQ(aclrtMemcpyAsync(device, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, foreign), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtMemcpyAsync(device, 32, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream_), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtMemcpyAsync(device, 64, nullptr, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream_), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMemcpyAsyncWithCondition(device, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, nullptr), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, TwoDimensions) {
  char host[4 * 10], back[4 * 6];
  for (int i = 0; i < 40; ++i) host[i] = static_cast<char>(i);
  void* device = Device(4 * 8);
  EXPECT_EQ(aclrtMemcpy2d(device, 8, host, 10, 9, 4, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtMemcpy2d(device, 8, host, 10, 6, 4, ACL_MEMCPY_DEVICE_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtMemcpy2d(device, 8, host, 10, 6, 4, ACL_MEMCPY_HOST_TO_DEVICE), ACL_SUCCESS);
  EXPECT_EQ(aclrtMemcpy2dAsync(back, 6, device, 8, 6, 4, ACL_MEMCPY_DEVICE_TO_HOST, stream_), ACL_SUCCESS);
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < 6; ++column) EXPECT_EQ(back[row * 6 + column], row * 10 + column);
  }
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, Batches) {
  char host[2][32];
  memset(host[0], 1, 32);
  memset(host[1], 2, 32);
  char* device = static_cast<char*>(Device(64));
  void* dsts[2] = {device, device + 32};
  void* srcs[2] = {host[0], host[1]};
  size_t sizes[2] = {32, 32}, maxs[2] = {32, 32}, index = 0, fail = 7;
  aclrtMemcpyBatchAttr attr = {};
  EXPECT_EQ(aclrtMemcpyBatch(dsts, maxs, srcs, sizes, 2, &attr, &index, 1, &fail), ACL_SUCCESS);
  EXPECT_EQ(fail, SIZE_MAX);
  EXPECT_EQ(device[0], 1);
  EXPECT_EQ(device[63], 2);
  maxs[1] = 8;
  EXPECT_EQ(aclrtMemcpyBatch(dsts, maxs, srcs, sizes, 2, &attr, &index, 1, &fail), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(fail, 1u);
  maxs[1] = 32;
  std::swap(dsts[1], srcs[1]);
  EXPECT_EQ(aclrtMemcpyBatchAsync(dsts, maxs, srcs, sizes, 2, &attr, &index, 1, &fail, stream_),
            ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtMemcpyBatch(dsts, maxs, srcs, sizes, 0, &attr, &index, 1, &fail), ACL_ERROR_INVALID_PARAM);
  std::swap(dsts[1], srcs[1]);
  EXPECT_EQ(aclrtMemcpyBatchAsync(dsts, maxs, srcs, sizes, 2, &attr, &index, 1, &fail, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, Info) {
  size_t free = 0, total = 0;
  EXPECT_EQ(aclrtGetMemInfo(ACL_HBM_MEM, nullptr, &total), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total), ACL_SUCCESS);
  EXPECT_GT(total, 0u);
  EXPECT_LE(free, total);
  EXPECT_EQ(aclrtGetMemInfo(ACL_HBM_MEM_HUGE1G, &free, &total), ACL_SUCCESS);
  EXPECT_EQ(total, 0u);
}

TEST_F(AclMemory, FlushAndPrefetchCheckArguments) {
  void* device = Device(64);
  EXPECT_EQ(aclrtMemFlush(nullptr, 64), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMemFlush(device, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtMemFlush(device, 64), ACL_SUCCESS);
  EXPECT_EQ(aclrtMemInvalidate(device, 64), ACL_SUCCESS);
  EXPECT_EQ(aclrtCmoAsync(device, 64, ACL_RT_CMO_TYPE_PREFETCH, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtCmoAsync(device, 0, ACL_RT_CMO_TYPE_PREFETCH, stream_), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
}

TEST_F(AclMemory, FreeingWhileTasksRunDoesNotHurt) {
  char* device = static_cast<char*>(Device(4 << 20));
  Gate gate;
  gate.Hold(stream_);
  ASSERT_EQ(aclrtMemsetAsync(device, 4 << 20, 1, 4 << 20, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(device), ACL_SUCCESS);
  gate.Open();
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
}

TEST_F(AclMemory, ValueWritesAndWaits) {
  auto* cell = static_cast<uint64_t*>(Device(16));
  *cell = 0;
  aclrtStream other = nullptr;
  ASSERT_EQ(aclrtCreateStream(&other), ACL_SUCCESS);
  EXPECT_EQ(aclrtValueWait(nullptr, 3, 0, other), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtValueWait(reinterpret_cast<char*>(cell) + 4, 3, 0, other), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(aclrtValueWait(cell, 3, 4, other), ACL_ERROR_RT_PARAM_INVALID);
  ASSERT_EQ(aclrtValueWait(cell, 3, 0, other), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(other, 3), ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
  ASSERT_EQ(aclrtValueWrite(cell, 5, 0, stream_), ACL_SUCCESS);
  EXPECT_EQ(aclrtSynchronizeStream(other), ACL_SUCCESS);
  EXPECT_EQ(aclrtDestroyStream(other), ACL_SUCCESS);
  EXPECT_EQ(aclrtFree(cell), ACL_SUCCESS);
}

}  // namespace
