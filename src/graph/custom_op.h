// Operators that a program brings. Their functions answer for the numbers of one call, the compiler needs
// expressions: a shape is asked for at several sets of extents, a formula that gives all answers is taken, and every
// new set of extents is checked against the function before a plan runs on it. Where there is no formula, a plan is
// for the extents of one call; where extents come up while a graph runs, the function is asked then.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "graph/literal.h"
#include "graph/prototype.h"

namespace belay {

class OpRecord;

// A tensor as such a function sees it.
struct PlainTensor {
  DType dtype = DType::kUndefined;  // kUndefined: an optional input left out
  std::vector<int64_t> dims;
  LiteralPtr value;                 // null: the contents are not known
};

// What is to be inferred; by port of the node.
struct PlainCall {
  std::vector<PlainTensor> inputs;
  std::vector<PlainTensor> outputs;  // dtype and dims are the answer; -1: the data decide
  std::vector<int> missed;           // inputs whose contents were wanted, but not known
};

struct PlainBuffer {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  void* data = nullptr;
};

// One node's functions; safe to call from several threads at once.
struct CustomOp {
  std::function<Status(PlainCall& call)> infer;
  std::vector<int> reads_values;  // input ports whose contents `infer` cannot do without
  // On the inputs that are there and all outputs, in order of the ports.
  std::function<Status(const std::vector<PlainBuffer>& inputs, const std::vector<PlainBuffer>& outputs)> compute;
};

struct CustomType {
  std::string type;
  std::shared_ptr<const Prototype> prototype;
  std::vector<std::pair<std::string, std::vector<DType>>> dtypes;  // allowed, per input name
  // The functions of a node, of whose input ports these are connected.
  std::function<Result<CustomOp>(const std::vector<bool>& there)> functions;
};
std::shared_ptr<const OpRecord> MakeCustomRecord(CustomType type);

}  // namespace belay
