#include "backend/memory.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "backend/cpu/stream.h"

namespace belay {
namespace {

constexpr size_t kAlign = 64;
constexpr size_t kSpare = 32;
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr uint8_t kCanary = 0xA5;

// BELAY_GUARD=end|start puts device blocks against an inaccessible page: generated code is not instrumented
// by sanitizers. With `end` the block ends at the page up to alignment, and the gap is checked when freed.
enum class GuardPage { kNone, kEnd, kStart };

GuardPage GuardMode() {
  static const GuardPage mode = [] {
    const char* text = getenv("BELAY_GUARD");
    std::string_view value = text != nullptr ? text : "";
    return value == "end" ? GuardPage::kEnd : value == "start" ? GuardPage::kStart : GuardPage::kNone;
  }();
  return mode;
}

size_t RoundUp(size_t size, size_t to) { return (size + to - 1) / to * to; }

struct Allocation {
  MemoryBlock block;
  void* map = nullptr;  // the mapping to give back; nullptr: from the heap
  size_t map_size = 0;
};

struct Condemned {
  Allocation allocation;
  std::vector<StreamPoint> points;
};

struct Registry {
  std::shared_mutex mutex;
  std::map<uintptr_t, Allocation> live;  // by base
  std::vector<Condemned> condemned;
  std::atomic<uint64_t> generation{1};
};

Registry& TheRegistry() {
  static Registry* registry = [] {
    static Registry* made = new Registry;  // never destroyed: clients free from static destructors
    pthread_atfork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); }, [] { made->mutex.unlock(); });
    return made;
  }();
  return *registry;
}

void* Map(size_t size) {
  void* map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return map == MAP_FAILED ? nullptr : map;
}

bool AllocateGuarded(size_t size, GuardPage guard, Allocation* out) {
  size_t body = RoundUp(size, kPage);
  out->map_size = body + kPage;
  out->map = Map(out->map_size);
  if (out->map == nullptr) return false;
  auto* map = static_cast<uint8_t*>(out->map);
  if (guard == GuardPage::kStart) {
    mprotect(map, kPage, PROT_NONE);
    out->block.base = map + kPage;
  } else {
    mprotect(map + body, kPage, PROT_NONE);
    size_t taken = RoundUp(size, kAlign);
    out->block.base = map + body - taken;
    memset(map + body - taken + size, kCanary, taken - size);
  }
  return true;
}

bool AllocatePlain(size_t size, Allocation* out) {
  if (size > SIZE_MAX / 2) return false;
  size_t padded = RoundUp(size + kSpare, kAlign);
  if (padded < kHugePage) {
    out->block.base = aligned_alloc(kAlign, padded);
    return out->block.base != nullptr;
  }
  out->map_size = RoundUp(padded, kPage);
  out->map = Map(out->map_size);
  out->block.base = out->map;
  if (out->map == nullptr) return false;
  madvise(out->map, out->map_size, MADV_HUGEPAGE);
  return true;
}

void CheckCanary(const Allocation& a) {
  if (a.map == nullptr || GuardMode() != GuardPage::kEnd || a.block.kind != MemoryKind::kDevice) return;
  const auto* end = static_cast<const uint8_t*>(a.map) + a.map_size - kPage;
  const auto* gap = static_cast<const uint8_t*>(a.block.base) + a.block.size;
  BELAY_CHECK(std::all_of(gap, end, [](uint8_t byte) { return byte == kCanary; }));
}

void Release(const Allocation& a) {
  CheckCanary(a);
  if (a.map != nullptr) {
    munmap(a.map, a.map_size);
  } else {
    free(a.block.base);
  }
}

// Gives back the condemned blocks whose streams have passed. The registry's lock is held.
void Reap(Registry& registry) {
  std::erase_if(registry.condemned, [](const Condemned& c) {
    if (!Passed(c.points)) return false;
    Release(c.allocation);
    return true;
  });
}

}  // namespace

Result<void*> AllocateMemory(MemoryKind kind, size_t size) {
  Registry& registry = TheRegistry();
  Allocation made;
  made.block.size = size;
  made.block.kind = kind;
  GuardPage guard = kind == MemoryKind::kDevice ? GuardMode() : GuardPage::kNone;
  size_t asked = std::max<size_t>(size, 1);
  for (int attempt = 0;; ++attempt) {
    bool ok = size <= SIZE_MAX / 2 &&
              (guard == GuardPage::kNone ? AllocatePlain(asked, &made) : AllocateGuarded(asked, guard, &made));
    if (ok) break;
    if (attempt == 1) return OutOfMemory("no memory for {} bytes", size);
    std::unique_lock lock(registry.mutex);
    Reap(registry);
  }
  std::unique_lock lock(registry.mutex);
  if (!registry.condemned.empty()) Reap(registry);
  registry.live.emplace(reinterpret_cast<uintptr_t>(made.block.base), made);
  registry.generation.fetch_add(1, std::memory_order_release);
  return made.block.base;
}

Status FreeMemory(void* base) {
  Registry& registry = TheRegistry();
  std::vector<StreamPoint> points = PointsOfBusyStreams();
  std::unique_lock lock(registry.mutex);
  auto found = registry.live.find(reinterpret_cast<uintptr_t>(base));
  if (found == registry.live.end()) {
    return NotFound("{} is not the start of a live block of device or host memory", fmt::ptr(base));
  }
  Allocation allocation = found->second;
  registry.live.erase(found);
  registry.generation.fetch_add(1, std::memory_order_release);
  if (points.empty()) {
    Release(allocation);
  } else {
    registry.condemned.push_back({allocation, std::move(points)});
  }
  if (!registry.condemned.empty()) Reap(registry);
  return OkStatus();
}

void FreeUnshared(void* base) {
  Registry& registry = TheRegistry();
  std::unique_lock lock(registry.mutex);
  auto found = registry.live.find(reinterpret_cast<uintptr_t>(base));
  BELAY_CHECK(found != registry.live.end());
  Release(found->second);
  registry.live.erase(found);
  registry.generation.fetch_add(1, std::memory_order_release);
}

bool FindMemory(const void* address, MemoryBlock* block) {
  Registry& registry = TheRegistry();
  auto value = reinterpret_cast<uintptr_t>(address);
  std::shared_lock lock(registry.mutex);
  auto next = registry.live.upper_bound(value);
  if (next == registry.live.begin()) return false;
  const Allocation& candidate = std::prev(next)->second;
  uintptr_t offset = value - std::prev(next)->first;
  if (offset != 0 && offset >= candidate.block.size) return false;
  *block = candidate.block;
  return true;
}

uint64_t MemoryGeneration() { return TheRegistry().generation.load(std::memory_order_acquire); }

}  // namespace belay
