#include "plan/constants.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <tuple>

namespace belay {
namespace {

constexpr int64_t kSmall = 1024;  // bytes; sharing less does not pay

// 128 bits that stand for the contents: two independent multiply-and-fold lanes.
using Fingerprint = std::array<uint64_t, 2>;

Fingerprint FingerprintOf(const Literal& literal) {
  const int64_t bytes = literal.ByteSize();
  const char* data = literal.as<char>();
  uint64_t a = 0x9e3779b97f4a7c15u ^ static_cast<uint64_t>(bytes);
  uint64_t b = 0xc2b2ae3d27d4eb4fu + static_cast<uint64_t>(literal.dtype);
  for (int64_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data + i, static_cast<size_t>(std::min<int64_t>(8, bytes - i)));
    a = (a ^ word) * 0xff51afd7ed558ccdu;
    a ^= a >> 32;
    b = (b + word) * 0x9fb21c651e98df25u;
    b ^= b >> 29;
  }
  return {a, b};
}

struct Shared {
  std::mutex mutex;
  std::map<std::tuple<Fingerprint, std::vector<int64_t>>, std::weak_ptr<const Literal>> literals;
  std::map<std::tuple<Fingerprint, std::string, int64_t>, std::weak_ptr<const void>> packed;  // by layout and bytes
};

Shared& TheShared() {
  static Shared* const shared = new Shared();
  return *shared;
}

// Entries of plans that are gone.
template <typename Map>
void DropExpired(Map* map) {
  std::erase_if(*map, [](const auto& entry) { return entry.second.expired(); });
}

}  // namespace

LiteralPtr ShareLiteral(LiteralPtr literal) {
  if (literal->dtype == DType::kString || literal->ByteSize() < kSmall) return literal;
  const Fingerprint fingerprint = FingerprintOf(*literal);
  Shared& shared = TheShared();
  std::lock_guard<std::mutex> lock(shared.mutex);
  DropExpired(&shared.literals);
  std::weak_ptr<const Literal>& place = shared.literals[{fingerprint, literal->dims}];
  if (LiteralPtr known = place.lock()) return known;
  place = literal;
  return literal;
}

std::shared_ptr<const void> SharePacked(const Literal& literal, const std::string& layout, int64_t bytes,
                                        const std::function<void(const void* src, void* dst)>& pack) {
  const Fingerprint fingerprint = FingerprintOf(literal);
  Shared& shared = TheShared();
  std::lock_guard<std::mutex> lock(shared.mutex);
  DropExpired(&shared.packed);
  std::weak_ptr<const void>& place = shared.packed[{fingerprint, layout, bytes}];
  if (std::shared_ptr<const void> known = place.lock()) return known;
  void* memory = std::aligned_alloc(64, (static_cast<size_t>(bytes) + 127) / 64 * 64);
  if (!memory) throw std::bad_alloc();
  std::shared_ptr<const void> made(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  pack(literal.data, memory);
  place = made;
  return made;
}

ConstantUse CountConstants() {
  ConstantUse use;
  Shared& shared = TheShared();
  std::lock_guard<std::mutex> lock(shared.mutex);
  for (const auto& [key, weak] : shared.literals) {
    LiteralPtr literal = weak.lock();
    if (!literal) continue;
    ++use.plain;
    use.plain_bytes += literal->ByteSize();
  }
  for (const auto& [key, weak] : shared.packed) {
    if (weak.expired()) continue;
    ++use.packed;
    use.packed_bytes += std::get<int64_t>(key);
  }
  return use;
}

}  // namespace belay
