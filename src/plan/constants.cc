#include "plan/constants.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "base/allocate.h"

namespace belay {
namespace {

constexpr int64_t kSmall = 1024;  // bytes; sharing less does not pay

// What equal contents agree in: bytes, dtype and extents or layout, a sample.
using Key = std::tuple<int64_t, std::string, uint64_t>;

template <typename T>
using Table = std::multimap<Key, std::weak_ptr<T>>;

struct Shared {
  std::mutex mutex;
  Table<const Literal> literals;
  Table<const void> packed;
};

Shared& TheShared() {
  static Shared* const shared = new Shared();
  return *shared;
}

// Of some words all over the contents: reading all of them takes longer than most other work on a plan.
uint64_t SampleOf(const void* data, int64_t bytes) {
  constexpr int64_t kWords = 64;
  uint64_t sample = 0;
  for (int64_t k = 0; k < kWords; ++k) {
    uint64_t word;
    const auto offset = static_cast<size_t>((bytes - int64_t{sizeof word}) * k / (kWords - 1));
    std::memcpy(&word, static_cast<const char*>(data) + offset, sizeof word);
    sample = (sample ^ word) * 0x9fb21c651e98df25u;
    sample ^= sample >> 29;
  }
  return sample;
}

const void* BytesOf(const Literal* literal) { return literal->data; }
const void* BytesOf(const void* packed) { return packed; }

// `made`, or what a living plan holds that equals it.
template <typename T>
std::shared_ptr<T> ShareEqual(std::shared_ptr<T> made, int64_t bytes, const std::string& kind, Table<T>* table) {
  const Key key(bytes, kind, SampleOf(BytesOf(made.get()), bytes));
  std::lock_guard<std::mutex> lock(TheShared().mutex);
  std::erase_if(*table, [](const auto& entry) { return entry.second.expired(); });
  for (auto [at, end] = table->equal_range(key); at != end; ++at) {
    std::shared_ptr<T> known = at->second.lock();
    const auto size = static_cast<size_t>(bytes);
    if (known && std::memcmp(BytesOf(known.get()), BytesOf(made.get()), size) == 0) return known;
  }
  table->emplace(key, made);
  return made;
}

}  // namespace

LiteralPtr ShareLiteral(LiteralPtr literal) {
  const int64_t bytes = literal->ByteSize();
  if (literal->dtype == DType::kString || bytes < kSmall) return literal;
  std::string kind = DTypeName(literal->dtype);
  for (int64_t d : literal->dims) kind += "," + std::to_string(d);
  return ShareEqual(std::move(literal), bytes, kind, &TheShared().literals);
}

std::shared_ptr<const void> SharePacked(const Literal& literal, const std::string& layout, int64_t bytes,
                                        const std::function<void(const void* src, void* dst)>& pack) {
  void* memory = AllocateForWriting(static_cast<size_t>(bytes) + kReadBehind);
  std::shared_ptr<const void> made(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  pack(literal.data, memory);
  if (bytes < kSmall) return made;
  return ShareEqual(std::move(made), bytes, layout, &TheShared().packed);
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
