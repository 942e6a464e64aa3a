#include "graph/shape_formula.h"

#include <algorithm>

namespace belay {
namespace {

// Round extents suit functions that want divisible ones, odd ones tell floor from ceiling.
constexpr int64_t kRound = 48;
constexpr int64_t kPrimes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53};
constexpr size_t kPrimeCount = std::size(kPrimes);

bool KeepsGuards(const Graph& root, const std::vector<int64_t>& values) {
  return std::all_of(root.guards.begin(), root.guards.end(), [&](const Guard& g) {
    return g.DependsOnRun(root.symbols) || g.Holds(values);
  });
}

class Search {
 public:
  Search(const std::vector<std::vector<int64_t>>& samples, const std::vector<int64_t>& wanted)
      : samples_(samples), wanted_(wanted) {}

  // Takes the candidate when it gives what is wanted at every sample.
  bool Try(const Dim& candidate) {
    for (size_t k = 0; k < samples_.size(); ++k) {
      if (candidate.Evaluate(samples_[k]) != wanted_[k]) return false;
    }
    found = candidate;
    return true;
  }

  bool TryLinear(const Dim& e) {
    const int64_t e0 = e.Evaluate(samples_[0]);
    for (size_t k = 1; k < samples_.size(); ++k) {
      const int64_t de = e.Evaluate(samples_[k]) - e0, dy = wanted_[k] - wanted_[0];
      if (de == 0) continue;
      if (dy % de != 0) return false;
      const int64_t a = dy / de;
      return Try(Dim(a) * e + Dim(wanted_[0] - a * e0));
    }
    return false;
  }

  bool TryQuotient(const Dim& e) {
    for (int64_t q : {2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256}) {
      for (const Dim& quotient : {FloorDiv(e, Dim(q)), CeilDiv(e, Dim(q))}) {
        if (TryLinear(quotient)) return true;
      }
      // Windows: floor((e + p) / q) + c.
      for (int64_t p = 1; p < q && q <= 8; ++p) {
        if (TryLinear(FloorDiv(e + Dim(p), Dim(q)))) return true;
      }
    }
    return false;
  }

  bool TryPair(const Dim& a, const Dim& b) {
    return TryLinear(a + b) || TryLinear(a - b) || TryLinear(a * b) || Try(Max(a, b)) || Try(Min(a, b));
  }

  Dim found;

 private:
  const std::vector<std::vector<int64_t>>& samples_;
  const std::vector<int64_t>& wanted_;
};

void AddOnce(std::vector<Dim>* list, const Dim& d) {
  if (!d.IsConst() && std::find(list->begin(), list->end(), d) == list->end()) list->push_back(d);
}

// Products of neighbouring extents of one shape; sums of one axis over all shapes.
std::vector<Dim> Combined(const std::vector<Shape>& shapes) {
  std::vector<Dim> list;
  size_t rank = 0;
  for (const Shape& shape : shapes) {
    rank = std::max(rank, shape.size());
    for (size_t from = 0; from < shape.size(); ++from) {
      Dim product = shape[from];
      for (size_t to = from + 1; to < shape.size(); ++to) AddOnce(&list, product = product * shape[to]);
    }
  }
  for (size_t axis = 0; axis < rank; ++axis) {
    Dim sum;
    for (const Shape& shape : shapes) {
      if (axis < shape.size()) sum = sum + shape[axis];
    }
    AddOnce(&list, sum);
  }
  return list;
}

}  // namespace

std::vector<std::vector<int64_t>> SampleExtents(const Graph& root, const std::vector<int>& symbols) {
  std::vector<std::vector<int64_t>> samples;
  std::vector<int64_t> hints;
  for (const SymbolInfo& symbol : root.symbols) hints.push_back(symbol.hint);
  const bool all_known = std::all_of(symbols.begin(), symbols.end(), [&](int id) { return hints[id] >= 0; });
  if (all_known) samples.push_back(hints);
  auto add = [&](auto&& value) {
    std::vector<int64_t> values(root.symbols.size(), 1);
    for (size_t id = 0; id < values.size(); ++id) values[id] = value(id);
    if (KeepsGuards(root, values)) samples.push_back(std::move(values));
  };
  for (size_t step : {size_t{1}, kPrimeCount - 3}) {  // in another order each, so that maxima show
    add([&](size_t id) { return kRound * kPrimes[(id * step) % kPrimeCount]; });
    add([&](size_t id) { return kPrimes[(id * step + 3) % kPrimeCount]; });
  }
  // Guards may have made some equal.
  for (int64_t value : {5 * kRound, int64_t{37}, 7 * kRound, int64_t{23}}) add([&](size_t) { return value; });
  return samples;
}

std::optional<Dim> FindFormula(const std::vector<Shape>& shapes, const std::vector<std::vector<int64_t>>& samples,
                               const std::vector<int64_t>& wanted) {
  Search search(samples, wanted);
  if (search.Try(Dim(wanted[0]))) return search.found;
  std::vector<Dim> extents;
  for (const Shape& shape : shapes) {
    for (const Dim& d : shape) AddOnce(&extents, d);
  }
  for (const Dim& d : extents) {
    if (search.Try(d)) return search.found;
  }
  for (const Dim& d : extents) {
    if (search.TryLinear(d)) return search.found;
  }
  for (size_t i = 0; i < extents.size(); ++i) {
    for (size_t k = i + 1; k < extents.size(); ++k) {
      if (search.TryPair(extents[i], extents[k])) return search.found;
    }
  }
  for (const Dim& d : Combined(shapes)) {
    if (search.TryLinear(d)) return search.found;
  }
  for (const Dim& d : extents) {
    if (search.TryQuotient(d)) return search.found;
  }
  return std::nullopt;
}

}  // namespace belay
