// Device and host memory, and what a pointer is.
#include "backend/memory.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>

#include "api/acl/address.h"
#include "api/acl/common.h"
#include "backend/device.h"

using belay::MemoryKind;
using belay::acl::NeedContext;
using belay::acl::Refuse;
using belay::acl::Translate;

namespace belay::acl {
namespace {

constexpr size_t kPage = 4096;

struct HostRanges {
  std::mutex mutex;
  std::map<uintptr_t, size_t> ranges;  // what aclrtHostRegister was told
};

HostRanges& Registered() {
  static auto* ranges = new HostRanges;
  return *ranges;
}

aclError Allocate(const char* call, void** pointer, size_t size, MemoryKind kind) {
  if (size == 0) return Refuse(call, ACL_ERROR_INVALID_PARAM, "size is 0", "ask for at least one byte");
  BELAY_ACL_TRY(NeedContext(call));
  Result<void*> made = AllocateMemory(kind, size);
  if (!made.ok()) {
    aclError code = kind == MemoryKind::kDevice ? ACL_ERROR_RT_MEMORY_ALLOCATION : ACL_ERROR_BAD_ALLOC;
    return Refuse(call, code, made.status().message(), "free memory first, or ask for less");
  }
  *pointer = *made;
  return ACL_SUCCESS;
}

aclError Free(const char* call, void* pointer, MemoryKind kind) {
  MemoryBlock block;
  if (!FindMemory(pointer, &block) || block.base != pointer) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                  fmt::format("{} was not returned by an allocation, or was freed before", pointer));
  }
  if (block.kind != kind) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID,
                  fmt::format("{} is {} memory", pointer, kind == MemoryKind::kDevice ? "host" : "device"),
                  kind == MemoryKind::kDevice ? "free it with aclrtFreeHost" : "free it with aclrtFree");
  }
  return Translate(call, FreeMemory(pointer));
}

uint64_t ReadNumber(const char* path, uint64_t fallback) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : fallback;
}

// Memory this process may use: the machine's, or less where a cgroup limits it.
void MemoryOfMachine(size_t* free, size_t* total) {
  struct sysinfo info = {};
  sysinfo(&info);
  uint64_t unit = info.mem_unit != 0 ? info.mem_unit : 1;
  uint64_t all = info.totalram * unit, available = (info.freeram + info.bufferram) * unit;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string key, rest; meminfo >> key;) {
    uint64_t kib = 0;
    if (key == "MemAvailable:" && meminfo >> kib) available = kib * 1024;
    std::getline(meminfo, rest);
  }
  uint64_t limit = ReadNumber("/sys/fs/cgroup/memory.max", all);
  if (limit < all) {
    uint64_t used = ReadNumber("/sys/fs/cgroup/memory.current", 0);
    all = limit;
    available = std::min(available, limit > used ? limit - used : 0);
  }
  *total = all;
  *free = std::min(available, all);
}

aclError RegisterHost(const char* call, void* ptr, uint64_t size) {
  if (size == 0) return Refuse(call, ACL_ERROR_INVALID_PARAM, "size is 0");
  if (reinterpret_cast<uintptr_t>(ptr) % kPage != 0) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("{} is not aligned to {} bytes", ptr, kPage));
  }
  BELAY_ACL_TRY(NeedContext(call));
  std::lock_guard lock(Registered().mutex);
  if (!Registered().ranges.emplace(reinterpret_cast<uintptr_t>(ptr), size).second) {
    return Refuse(call, ACL_ERROR_RT_PARAM_INVALID, fmt::format("{} is registered already", ptr));
  }
  return ACL_SUCCESS;
}

}  // namespace

AddressKind KindOf(const void* pointer, MemoryBlock* block) {
  if (FindMemory(pointer, block)) {
    return block->kind == MemoryKind::kDevice ? AddressKind::kDevice : AddressKind::kPinned;
  }
  auto address = reinterpret_cast<uintptr_t>(pointer);
  std::lock_guard lock(Registered().mutex);
  auto next = Registered().ranges.upper_bound(address);
  if (next == Registered().ranges.begin()) return AddressKind::kPageable;
  auto& [base, size] = *std::prev(next);
  if (address - base >= size) return AddressKind::kPageable;
  *block = {reinterpret_cast<void*>(base), size, MemoryKind::kHost};
  return AddressKind::kPinned;
}

}  // namespace belay::acl

using namespace belay::acl;  // NOLINT: the exported functions below are C

extern "C" {

aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy) try {
  BELAY_ACL_NOT_NULL(devPtr);
  return Allocate(__func__, devPtr, size, MemoryKind::kDevice);
}
BELAY_ACL_END

aclError aclrtMallocAlign32(void** devPtr, size_t size, aclrtMemMallocPolicy) try {
  BELAY_ACL_NOT_NULL(devPtr);
  return Allocate(__func__, devPtr, size, MemoryKind::kDevice);
}
BELAY_ACL_END

aclError aclrtMallocCached(void** devPtr, size_t size, aclrtMemMallocPolicy) try {
  BELAY_ACL_NOT_NULL(devPtr);
  return Allocate(__func__, devPtr, size, MemoryKind::kDevice);
}
BELAY_ACL_END

aclError aclrtFree(void* devPtr) try {
  BELAY_ACL_NOT_NULL(devPtr);
  return Free(__func__, devPtr, MemoryKind::kDevice);
}
BELAY_ACL_END

aclError aclrtMallocHost(void** hostPtr, size_t size) try {
  BELAY_ACL_NOT_NULL(hostPtr);
  return Allocate(__func__, hostPtr, size, MemoryKind::kHost);
}
BELAY_ACL_END

// The attributes are hints about where the pages should lie: module, device, address range.
aclError aclrtMallocHostWithCfg(void** ptr, uint64_t size, aclrtMallocConfig* cfg) try {
  BELAY_ACL_NOT_NULL(ptr);
  if (cfg != nullptr && cfg->numAttrs != 0 && cfg->attrs == nullptr) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "cfg->attrs is null but cfg->numAttrs is not 0");
  }
  return Allocate(__func__, ptr, size, MemoryKind::kHost);
}
BELAY_ACL_END

aclError aclrtFreeHost(void* hostPtr) try {
  BELAY_ACL_NOT_NULL(hostPtr);
  return Free(__func__, hostPtr, MemoryKind::kHost);
}
BELAY_ACL_END

aclError aclrtPointerGetAttributes(const void* ptr, aclrtPtrAttributes* attributes) try {
  BELAY_ACL_NOT_NULL(ptr);
  BELAY_ACL_NOT_NULL(attributes);
  *attributes = {};
  belay::MemoryBlock block;
  belay::Result<int> device = belay::CurrentDevice();
  attributes->location.id = device.ok() ? static_cast<uint32_t>(*device) : 0;
  attributes->pageSize = kPage;
  switch (KindOf(ptr, &block)) {
    case AddressKind::kDevice: attributes->location.type = ACL_MEM_LOCATION_TYPE_DEVICE; break;
    case AddressKind::kPinned: attributes->location.type = ACL_MEM_LOCATION_TYPE_HOST; break;
    case AddressKind::kPageable: attributes->location.type = ACL_MEM_LOCATION_TYPE_UNREGISTERED; break;
  }
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtHostRegister(void* ptr, uint64_t size, aclrtHostRegisterType type, void** devPtr) try {
  BELAY_ACL_NOT_NULL(ptr);
  BELAY_ACL_NOT_NULL(devPtr);
  if (type != ACL_HOST_REGISTER_MAPPED) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("type is {}", static_cast<int>(type)));
  }
  BELAY_ACL_TRY(RegisterHost(__func__, ptr, size));
  *devPtr = ptr;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclrtHostRegisterV2(void* ptr, uint64_t size, uint32_t flag) try {
  BELAY_ACL_NOT_NULL(ptr);
  constexpr uint32_t kMapped = 0x2, kReadOnly = 0x8, kPinned = 0x10000000;
  if ((flag & ~(kMapped | kReadOnly | kPinned)) != 0) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("flag {:#x} has unknown bits", flag));
  }
  return RegisterHost(__func__, ptr, size);
}
BELAY_ACL_END

aclError aclrtHostUnregister(void* ptr) try {
  BELAY_ACL_NOT_NULL(ptr);
  std::lock_guard lock(Registered().mutex);
  if (Registered().ranges.erase(reinterpret_cast<uintptr_t>(ptr)) != 0) return ACL_SUCCESS;
  return Refuse(__func__, ACL_ERROR_RT_PARAM_INVALID, fmt::format("{} is not registered", ptr));
}
BELAY_ACL_END

// Device memory is coherent with the host's caches.
aclError aclrtMemFlush(void* devPtr, size_t size) try {
  BELAY_ACL_NOT_NULL(devPtr);
  if (size == 0) return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "size is 0");
  return NeedContext(__func__);
}
BELAY_ACL_END

aclError aclrtMemInvalidate(void* devPtr, size_t size) try {
  BELAY_ACL_NOT_NULL(devPtr);
  if (size == 0) return Refuse(__func__, ACL_ERROR_INVALID_PARAM, "size is 0");
  return NeedContext(__func__);
}
BELAY_ACL_END

aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t* free, size_t* total) try {
  BELAY_ACL_NOT_NULL(free);
  BELAY_ACL_NOT_NULL(total);
  BELAY_ACL_TRY(NeedContext(__func__));
  *free = *total = 0;
  if (attr >= ACL_DDR_MEM && attr <= ACL_HBM_MEM_NORMAL) MemoryOfMachine(free, total);
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
