// A name for contents: equal hashes mean equal bytes (BLAKE3), so what is kept under one may be used by anybody.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace belay {

using ContentHash = std::array<uint8_t, 32>;

// Of a short text, on this thread.
ContentHash HashText(std::string_view text);
inline std::string_view TextOf(const ContentHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// Gives the bytes from `offset` on, in `buffer` or where they lie already; nullptr when they cannot be read.
using ReadPiece = std::function<const void*(size_t offset, size_t bytes, void* buffer)>;

struct Hashing {
  size_t bytes = 0;
  ReadPiece read;
  bool failed = false;  // to read
  ContentHash hash = {};
};
// Pieces of all contents on all cores.
void HashContents(std::vector<Hashing>* all);
// Of bytes in memory; the same as above.
ContentHash HashContents(const void* data, size_t bytes);

}  // namespace belay
