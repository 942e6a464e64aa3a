// The interpreter's operations by group, on evaluated extents.
#pragma once
#include <vector>

#include "graph/interpret.h"

namespace belay::interpret {

using Dims = std::vector<int64_t>;
using Values = std::vector<LiteralPtr>;

// What an operation sees: its node, inputs, and every formula evaluated.
struct Case {
  const Node& node;
  const Values& in;
  Dims dims;           // the output's
  Dims starts, steps;  // evaluated
  Dims pads_lo;
};

// Operands that a broadcast repeats may come as they were before it: see PassesBroadcasts.
Result<LiteralPtr> Map(const Case& c);
bool PassesBroadcasts(const Node& map);

Result<LiteralPtr> Iota(const Case& c);
Result<LiteralPtr> DimValues(const Case& c);
Result<LiteralPtr> Reshape(const Case& c);
Result<LiteralPtr> View(const Case& c);  // kTranspose, kBroadcast, kSlice
Result<LiteralPtr> Pad(const Case& c);
Result<LiteralPtr> Concat(const Case& c);
Result<LiteralPtr> Gather(const Case& c);
Result<LiteralPtr> Scatter(const Case& c);
// Strings and elements that share bytes move as numbers that stand for them.
bool MovesWide(const Node& node);
Result<LiteralPtr> MoveWide(const Case& c, Result<LiteralPtr> (*move)(const Case&));

Result<LiteralPtr> Reduce(const Case& c);
Result<LiteralPtr> Scan(const Case& c);
Result<LiteralPtr> Pool(const Case& c);

Result<LiteralPtr> Contract(const Case& c);
Result<LiteralPtr> Conv(const Case& c);

// What a broadcast of x gives, a part at a time; x outlives it, and its elements are whole bytes.
class Spread {
 public:
  Spread(const Literal& x, const Dims& dims);
  void Copy(int64_t first, int64_t count, void* to) const;  // elements [first, first + count)
  int64_t Period() const;                                   // elements after which all come again

 private:
  Dims dims_, strides_;
  const void* data_;
  size_t element_;
};
Status CheckBroadcast(const Dims& from, const Dims& to);

// For who writes all of it: of any contents where elements are whole bytes.
std::shared_ptr<Literal> NewLiteral(DType dtype, const Dims& dims);

Status NoDType(const Node& node, DType dtype);

int64_t Count(const Dims& dims);
Dims DenseStrides(const Dims& dims);

// Row-major walk over all indices: fn(index) for each.
template <typename Fn>
void ForEachIndex(const Dims& dims, Fn fn) {
  const int64_t n = Count(dims);
  Dims index(dims.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    fn(index);
    for (int d = static_cast<int>(dims.size()) - 1; d >= 0 && ++index[d] == dims[d]; --d)
      index[d] = 0;
  }
}

// The same, with the offset sum(index[d] * strides[d]) instead of the index.
template <typename Fn>
void ForEachOffset(const Dims& dims, const Dims& strides, int64_t offset, Fn fn) {
  const int64_t n = Count(dims);
  const int last = static_cast<int>(dims.size()) - 1;
  const int64_t inner = last < 0 ? 1 : dims[last], step = last < 0 ? 0 : strides[last];
  Dims index(dims.size(), 0);
  for (int64_t done = 0; done < n; done += inner) {
    for (int64_t i = 0; i < inner; ++i) fn(offset + i * step);
    for (int d = last - 1; d >= 0; --d) {
      offset += strides[d];
      if (++index[d] < dims[d]) break;
      offset -= strides[d] * dims[d];
      index[d] = 0;
    }
  }
}

}  // namespace belay::interpret
