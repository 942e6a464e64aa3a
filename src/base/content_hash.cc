#include "base/content_hash.h"

#include <llvm-c/blake3.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/thread_pool.h"

namespace belay {
namespace {

constexpr size_t kPiece = size_t{1} << 18;  // stays in the second-level cache between reading and hashing
static_assert(sizeof(ContentHash) == LLVM_BLAKE3_OUT_LEN);

ContentHash HashOf(const void* data, size_t bytes) {
  llvm_blake3_hasher hasher;
  llvm_blake3_hasher_init(&hasher);
  llvm_blake3_hasher_update(&hasher, data, bytes);
  ContentHash hash;
  llvm_blake3_hasher_finalize(&hasher, hash.data(), hash.size());
  return hash;
}

// Pieces [begin, end) of those of all contents; `first` has the number of each content's first one.
struct Work {
  std::vector<Hashing>* all;
  std::vector<size_t> first;
  std::vector<ContentHash> pieces;
  std::atomic<bool> out_of_memory{false};
};

void HashPieces(void* arg, int64_t begin, int64_t end) {
  Work& work = *static_cast<Work*>(arg);
  thread_local std::unique_ptr<char[]> buffer;
  if (!buffer) buffer.reset(new (std::nothrow) char[kPiece]);
  if (!buffer) return work.out_of_memory.store(true);
  for (auto at = static_cast<size_t>(begin); at < static_cast<size_t>(end); ++at) {
    const auto behind = std::upper_bound(work.first.begin(), work.first.end(), at);
    const auto number = static_cast<size_t>(behind - work.first.begin()) - 1;
    Hashing& content = (*work.all)[number];
    const size_t offset = (at - work.first[number]) * kPiece, bytes = std::min(kPiece, content.bytes - offset);
    const void* data = content.read(offset, bytes, buffer.get());
    if (data) work.pieces[at] = HashOf(data, bytes);
    else std::atomic_ref<bool>(content.failed).store(true);
  }
}

}  // namespace

ContentHash HashText(std::string_view text) { return HashOf(text.data(), text.size()); }

void HashContents(std::vector<Hashing>* all) {
  Work work = {all, {}, {}};
  size_t count = 0;
  for (const Hashing& content : *all) {
    work.first.push_back(count);
    count += (content.bytes + kPiece - 1) / kPiece;
  }
  work.pieces.resize(count);
  ParallelFor(static_cast<int64_t>(count), &HashPieces, &work);
  if (work.out_of_memory) throw std::bad_alloc();
  for (size_t i = 0; i < all->size(); ++i) {
    const size_t end = i + 1 < all->size() ? work.first[i + 1] : count;
    const size_t bytes = (end - work.first[i]) * sizeof(ContentHash);
    (*all)[i].hash = HashOf(work.pieces.data() + work.first[i], bytes);
  }
}

ContentHash HashContents(const void* data, size_t bytes) {
  std::vector<Hashing> one(1);
  one[0].bytes = bytes;
  one[0].read = [data](size_t offset, size_t, void*) { return static_cast<const char*>(data) + offset; };
  HashContents(&one);
  return one[0].hash;
}

}  // namespace belay
