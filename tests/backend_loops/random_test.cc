// Random fragments of maps, views and reductions, static and dynamic.
#include "backend_loops/harness.h"

namespace belay {
namespace {

class Generator {
 public:
  explicit Generator(uint32_t seed) : rng_(seed) {}

  Fragment& Make() {
    dynamic_ = Pick(3) == 0;
    Shape shape;
    int rank = 1 + Pick(4);
    for (int k = 0; k < rank; ++k) shape.push_back(Extent());
    Tensor t = Grow(shape, 3 + Pick(3));
    if (Pick(3) == 0) {
      int axis = Pick(rank);
      t = Pick(2) ? Sum(t, {axis}, false) : MaxOver(t, {axis}, false);
    }
    f_.Output(t);
    return f_;
  }
  std::mt19937& rng() { return rng_; }

 private:
  int Pick(int n) { return static_cast<int>(rng_() % static_cast<uint32_t>(n)); }
  Dim Extent() {
    static const int64_t kExtents[] = {1, 2, 3, 5, 8, 13, 16, 17, 32, 40};
    int64_t v = kExtents[Pick(10)];
    return dynamic_ && Pick(2) ? f_.Symbol(v) : Dim(v);
  }
  Tensor Leaf(const Shape& shape) {
    Shape from;
    for (const Dim& d : shape) from.push_back(Pick(4) == 0 ? Dim(1) : d);
    return BroadcastTo(f_.Input(DType::kF32, from), shape);
  }
  Tensor Grow(const Shape& shape, int depth) {
    if (depth == 0) return Leaf(shape);
    int rank = static_cast<int>(shape.size());
    switch (Pick(9)) {
      case 0: return Grow(shape, depth - 1) + Grow(shape, depth - 1);
      case 1: return Max(Grow(shape, depth - 1), Leaf(shape));
      case 2: return Tanh(Grow(shape, depth - 1)) * 0.5;
      case 3: {
        std::vector<int> perm(rank);
        for (int k = 0; k < rank; ++k) perm[k] = k;
        std::shuffle(perm.begin(), perm.end(), rng_);
        Shape from(rank);
        for (int k = 0; k < rank; ++k) from[perm[k]] = shape[k];
        return Transpose(Grow(from, depth - 1), perm);
      }
      case 4: {
        int axis = Pick(rank);
        Shape from = shape;
        from[axis] = from[axis] * Dim(2) + Dim(1);
        return Slice(Grow(from, depth - 1), axis, 1, shape[axis], Pick(2) ? 2 : 1);
      }
      case 5: {
        int axis = Pick(rank);
        Shape from = shape;
        from[axis] = from[axis] + Dim(2);
        std::vector<Dim> lo(rank), hi(rank);
        lo[axis] = 3;
        hi[axis] = -5;
        return Pad(Grow(from, depth - 1), lo, hi, f_.b.Scalar(DType::kF32, 0.25));
      }
      case 6: {
        int axis = Pick(rank);
        Shape other = shape, whole = shape;
        other[axis] = 2;
        whole[axis] = whole[axis] + Dim(2);
        Tensor joined = Concat({Leaf(other), Grow(shape, depth - 1)}, axis);
        return Slice(joined, axis, Pick(3), shape[axis]);
      }
      case 7: {
        Shape flat = {NumElements(shape)};
        return Reshape(Grow(flat, depth - 1), shape);
      }
      default: {
        if (rank < 2) return Grow(shape, depth - 1) * 2.0;
        Shape from(shape.begin() + 1, shape.end());
        from[0] = shape[0] * shape[1];
        return Reshape(Grow(from, depth - 1), shape);
      }
    }
  }

  std::mt19937 rng_;
  Fragment f_;
  bool dynamic_ = false;
};

TEST(Random, Fragments) {
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Generator g(seed);
    Fragment& f = g.Make();
    Check(f, RandomInputs(g.rng(), f), {64, 1e-4});
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace belay
