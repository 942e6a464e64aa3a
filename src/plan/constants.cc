#include "plan/constants.h"

#include <fmt/ranges.h>

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

// Of contents that have a hash.
struct Named {
  std::weak_ptr<const void> contents;
  int64_t bytes = 0;
  bool packed = false, mapped = false;
};

struct Shared {
  std::mutex mutex;
  std::map<ContentHash, Named> named;
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

const void* BytesOf(const Literal* literal) { return literal->address; }
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

// Of all that decides the bytes in this layout, but for the engine that packs.
ContentHash KeyOf(const Literal& literal, const std::string& layout, int64_t bytes) {
  std::string text(TextOf(HashOf(literal)));
  text += fmt::format("{} [{}] {} {}", DTypeName(literal.dtype), fmt::join(literal.dims, ","), bytes, layout);
  return HashText(text);
}

// What a living plan holds under the key: `made`, unless another thread was faster.
std::shared_ptr<const void> Remember(const ContentHash& key, std::shared_ptr<const void> made, int64_t bytes,
                                     bool packed, bool mapped) {
  Shared& shared = TheShared();
  std::lock_guard<std::mutex> lock(shared.mutex);
  std::erase_if(shared.named, [](const auto& entry) { return entry.second.contents.expired(); });
  const auto at = shared.named.emplace(key, Named{made, bytes, packed, mapped}).first;
  std::shared_ptr<const void> first = at->second.contents.lock();
  return first ? first : made;
}

std::shared_ptr<const void> FindNamed(const ContentHash& key, int64_t bytes, bool packed, ConstantStore* store) {
  {
    std::lock_guard<std::mutex> lock(TheShared().mutex);
    const auto at = TheShared().named.find(key);
    std::shared_ptr<const void> known = at == TheShared().named.end() ? nullptr : at->second.contents.lock();
    if (known) return known;
  }
  std::shared_ptr<const void> found = store ? store->Find(key, bytes) : nullptr;
  return found ? Remember(key, std::move(found), bytes, packed, true) : nullptr;
}

std::shared_ptr<const void> KeepNamed(const ContentHash& key, std::shared_ptr<const void> made, int64_t bytes,
                                      bool packed, ConstantStore* store) {
  std::shared_ptr<const void> kept = store ? store->Keep(key, made.get(), bytes) : nullptr;
  const bool mapped = kept != nullptr;
  return Remember(key, mapped ? std::move(kept) : std::move(made), bytes, packed, mapped);
}

}  // namespace

LiteralPtr ShareLiteral(LiteralPtr literal, ConstantStore* store) {
  const int64_t bytes = literal->ByteSize();
  if (literal->late) {
    const ContentHash key = KeyOf(*literal, "", bytes);
    auto plain = std::make_shared<Literal>(*literal);
    plain->late = nullptr;
    plain->owner = FindNamed(key, bytes, false, store);
    if (!plain->owner) plain->owner = KeepNamed(key, literal->late->Hold(), bytes, false, store);
    plain->address = plain->owner.get();
    return plain;
  }
  if (literal->dtype == DType::kString || bytes < kSmall) return literal;
  std::string kind = DTypeName(literal->dtype);
  for (int64_t d : literal->dims) kind += "," + std::to_string(d);
  return ShareEqual(std::move(literal), bytes, kind, &TheShared().literals);
}

std::shared_ptr<const void> SharePacked(const Literal& literal, const std::string& layout, int64_t bytes,
                                        const std::function<void(const void* src, void* dst)>& pack,
                                        ConstantStore* store) {
  if (bytes < kLateBytes) store = nullptr;
  const bool named = literal.late || store;
  const ContentHash key = named ? KeyOf(literal, layout, bytes) : ContentHash{};
  std::shared_ptr<const void> made = named ? FindNamed(key, bytes, true, store) : nullptr;
  if (made) return made;
  const std::shared_ptr<void> memory = AllocateForWriting(static_cast<size_t>(bytes) + kReadBehind);
  made = memory;
  const std::shared_ptr<const void> held = literal.late ? literal.late->Hold() : nullptr;
  pack(held ? held.get() : literal.address, memory.get());
  if (named) return KeepNamed(key, std::move(made), bytes, true, store);
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
  for (const auto& [key, named] : shared.named) {
    if (named.contents.expired()) continue;
    ++(named.packed ? use.packed : use.plain);
    (named.packed ? use.packed_bytes : use.plain_bytes) += named.bytes;
    if (named.mapped) use.mapped_bytes += named.bytes;
  }
  return use;
}

}  // namespace belay
