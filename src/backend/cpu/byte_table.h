// What lies between two quantisations is a function of a byte: maps that a table says as much as.
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace belay {

// The scalar constant below views, or nullptr.
const Node* ConstBelowViews(const Node* node);

struct ByteTable {
  const Node* from = nullptr;             // a map whose f32 are whole, from `low` to `low` + 255 at most
  int64_t low = 0;
  std::vector<const Node*> maps;          // what the table stands for
  std::array<uint8_t, 256> bytes = {};    // by number of `from`, less `low`
};
// For a map to bytes that reads nothing but one such number and constants: as many maps as can be, of `maps`, which are
// what it reads, inputs before users. Nothing where they are few.
std::optional<ByteTable> FindByteTable(const Node* root, const std::vector<const Node*>& maps);

}  // namespace belay
