// What a model asks for that Belay does not do, found all at once: importer and compiler go on behind a node that they
// refuse, with what is declared of its outputs.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace belay {

struct Problem {
  std::string node, op;           // the model's; empty where it is no node's
  std::string where;              // "ONNX node conv1 (Conv)", inside its outer nodes
  std::string what;
  Code code = Code::kNotSupported;
  bool missing_operator = false;  // `op` is what nobody computes

  std::string Text() const;  // one line
};

class Problems {
 public:
  // The same problem of the same node counts once. More than kMost, or than fit kMostBytes, are only counted.
  void Add(Problem problem);
  // From `size` on they are forgotten.
  void Truncate(size_t size);
  bool empty() const { return all_.empty(); }
  size_t size() const { return all_.size(); }
  const std::vector<Problem>& all() const { return all_; }
  int64_t unlisted() const { return unlisted_; }
  // Nodes that nothing could be said about, because what they read comes from refused ones.
  std::vector<std::string> unchecked;
  // Nodes that are decided by the contents or extents of a call.
  std::vector<std::string> deferred;

  // All in one message: operators by name with their nodes, then the rest.
  Status ToStatus() const;

 private:
  static constexpr size_t kMost = 1000, kMostBytes = 1 << 20;
  std::vector<Problem> all_;
  std::set<std::string> known_;
  size_t bytes_ = 0;
  int64_t unlisted_ = 0;
};

}  // namespace belay
