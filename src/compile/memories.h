// What the memories that operators write hold while a graph is lowered: inputs, variables, and results that a later
// node updates. Each write makes a version; a node reads the last version written by a node that it comes after,
// whether by data or by control edges. Writes without an order between them happen in the order of lowering.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "graph/builder.h"

namespace belay {

class Memories {
 public:
  // By memory, the version that a point in the graph sees; 0 is left out.
  using Seen = std::map<int, int>;
  static int Find(const Seen& seen, int memory);
  static void Merge(const Seen& from, Seen* into);  // what both see
  void SeeLatest(int memory, Seen* seen) const;

  int Add(const Tensor& initial);
  int size() const { return static_cast<int>(versions_.size()); }
  const Tensor& At(int memory, int version) const { return versions_[memory][version]; }
  int Latest(int memory) const { return static_cast<int>(versions_[memory].size()) - 1; }
  // `shape`: what the writer sees the memory under. The value must have it (a guard when symbolic) and the memory's
  // dtype. Returns the version.
  int Write(int memory, const Tensor& value, const Shape& shape, const std::string& what);

 private:
  std::vector<std::vector<Tensor>> versions_;
};

// An output of a node: a value, or a memory under some shape.
struct LoweredValue {
  Tensor tensor;    // as it was when the node ran
  int memory = -1;
  int version = 0;  // of the memory, then
};

// What a node reads from the value at a point that sees `version` of its memory.
Tensor ReadValue(const Memories& memories, const LoweredValue& value, int version);

}  // namespace belay
