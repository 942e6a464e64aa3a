#include "random/generator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <utility>

#include "graph/builder.h"
#include "support/engine.h"

namespace belay {
namespace {

// A value and what is known about its numbers. `error` bounds how far two correct evaluations are
// apart; functions with jumps (floor, comparisons, casts to integers) are only put on exact values.
struct Item {
  Tensor t;
  double bound = 0;
  double error = 0;
};

double Epsilon(DType dtype) {
  switch (dtype) {
    case DType::kF64: return 0x1p-51;
    case DType::kF32: return 0x1p-22;
    case DType::kF16: return 0x1p-9;
    case DType::kBF16: return 0x1p-6;
    default: return 0;
  }
}

class Generator {
 public:
  Generator(uint64_t seed, bool large) : random_(seed * 2654435761u + 17), large_(large) {
    out_.graph = std::make_unique<Graph>();
    builder_ = std::make_unique<Builder>(out_.graph.get());
  }

  RandomGraph Run() {
    dynamic_ = Chance(2);
    const int inputs = Pick(1, 3), steps = Pick(4, 14);
    for (int i = 0; i < inputs; ++i) AddRandomInput();
    for (int made = 0, tries = 0; made < steps && tries < 400; ++tries) {
      if (std::optional<Item> item = Step()) {
        Keep(*item);
        ++made;
      }
    }
    AddStores();
    Finish();
    return std::move(out_);
  }

 private:
  using Maker = std::optional<Item> (Generator::*)();

  int Pick(int lo, int hi) {
    return lo + static_cast<int>(random_() % static_cast<uint64_t>(hi - lo + 1));
  }
  bool Chance(int one_in) { return Pick(1, one_in) == 1; }
  template <typename T>
  const T& PickOf(const std::vector<T>& items) {
    return items[random_() % items.size()];
  }
  // Later values more often, so that graphs grow deep.
  const Item& Any() { return pool_[std::max(random_() % pool_.size(), random_() % pool_.size())]; }
  const Item* AnyFloat() {
    for (int i = 0; i < 8; ++i) {
      const Item& item = Any();
      if (IsFloat(item.t.dtype())) return &item;
    }
    return nullptr;
  }

  int64_t Value(const Dim& d) const { return d.Evaluate(out_.extents); }
  int64_t Count(const Tensor& t) const { return Value(NumElements(t.shape())); }

  Tensor AddInput(DType dtype, const std::vector<int64_t>& dims, double lo, double hi,
                  bool dynamic) {
    Graph& g = *out_.graph;
    const int index = static_cast<int>(g.inputs.size());
    Shape shape;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (!dynamic || Chance(2)) {
        shape.push_back(dims[d]);
        continue;
      }
      shape.push_back(Dim::Symbol(static_cast<int>(g.symbols.size())));
      g.symbols.push_back(
          {fmt::format("s{}", g.symbols.size()), index, static_cast<int>(d), dims[d]});
      out_.extents.push_back(dims[d]);
    }
    out_.inputs.push_back({lo, hi});
    return builder_->Wrap(g.AddInput(index, {dtype, shape}, fmt::format("x{}", index)));
  }

  void AddRandomInput() {
    static const std::vector<DType> kTypes = {DType::kF32, DType::kF32,  DType::kF32, DType::kF32,
                                              DType::kF16, DType::kBF16, DType::kF64, DType::kI32,
                                              DType::kI64, DType::kI8,   DType::kU8,  DType::kBool};
    static const std::vector<int64_t> kExtents = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33};
    const DType dtype = pool_.empty() ? DType::kF32 : PickOf(kTypes);
    std::vector<int64_t> dims;
    // Half of the later inputs have the first one's extents, so that they meet.
    if (!pool_.empty() && Chance(2)) {
      for (const Dim& d : pool_[0].t.shape()) dims.push_back(Value(d));
    } else {
      for (int r = Pick(1, 4); r > 0; --r) dims.push_back(large_ ? Pick(17, 40) : PickOf(kExtents));
      if (large_) dims.resize(3, 33);
    }
    const double lo = IsUnsignedInt(dtype) ? 0
                      : IsFloat(dtype)     ? -2
                                           : -5,
                 hi = IsFloat(dtype) ? 2 : 5;
    pool_.push_back({AddInput(dtype, dims, lo, hi, dynamic_), 5, 0});
  }

  void Keep(Item item) {
    if (IsFloat(item.t.dtype()) && item.bound > 64) {
      item = {Tanh(item.t), 1, item.error + 4 * Epsilon(item.t.dtype())};
    }
    pool_.push_back(std::move(item));
  }

  Item Rounded(Tensor t, double bound, double error, double roundings = 1) const {
    return {t, bound, error + roundings * Epsilon(t.dtype()) * bound};
  }

  std::optional<Item> Unary() {
    const Item* x = AnyFloat();
    if (!x) return std::nullopt;
    const Tensor& t = x->t;
    switch (Pick(0, 11)) {
      case 0: return Rounded(Tanh(t), 1, x->error, 2);
      case 1: return Rounded(Sigmoid(t), 1, x->error, 2);
      case 2: return Rounded(Erf(t), 1, 1.2 * x->error, 2);
      case 3: return Rounded(Exp(Tanh(t)), 2.72, 2.72 * (x->error + 2 * Epsilon(t.dtype())), 2);
      case 4: return Rounded(Map(ScalarOp::kSin, t), 1, x->error, 2);
      case 5: return Rounded(Map(ScalarOp::kCos, t), 1, x->error, 2);
      case 6: return Rounded(Sqrt(t * t + 1.0), x->bound + 1, x->error, 4);
      case 7: return Rounded(Log(Abs(t) + 1.0), x->bound, x->error, 4);
      case 8:
        return Rounded(Map(ScalarOp::kRecip, t * t + 1.0), 1, 2 * x->error * (x->bound + 1), 4);
      case 9: return Item{-t, x->bound, x->error};
      case 10: return Item{Max(t, 0.0), x->bound, x->error};
      default: return Rounded(t * Sigmoid(t), x->bound, 1.2 * x->error, 3);
    }
  }

  // Another value that broadcasts with x; the last resort is one number.
  Item Partner(const Item& x) {
    for (int i = 0; i < 6; ++i) {
      const Item& y = Any();
      if (y.t.dtype() == x.t.dtype() && Broadcasts(x.t, y.t)) return y;
    }
    return {builder_->Scalar(x.t.dtype(), Pick(1, 3)), 3, 0};
  }
  bool Broadcasts(const Tensor& a, const Tensor& b) const {
    const int rank = std::max(a.rank(), b.rank());
    int64_t count = 1;
    for (int d = 0; d < rank; ++d) {
      const int64_t x = d < a.rank() ? Value(a.dim(a.rank() - 1 - d)) : 1;
      const int64_t y = d < b.rank() ? Value(b.dim(b.rank() - 1 - d)) : 1;
      if (x != y && x != 1 && y != 1) return false;
      count *= std::max(x, y);
    }
    return count <= Limit();
  }
  int64_t Limit() const { return large_ ? 400000 : 20000; }

  std::optional<Item> Binary() {
    const Item x = Any(), y = Partner(x);
    if (x.t.dtype() == DType::kBool)
      return Item{PickOf(std::vector{And(x.t, y.t), Or(x.t, y.t), Xor(x.t, y.t)}), 1, 0};
    if (!IsFloat(x.t.dtype())) return IntBinary(x, y);
    switch (Pick(0, 5)) {
      case 0: return Rounded(x.t + y.t, x.bound + y.bound, x.error + y.error);
      case 1: return Rounded(x.t - y.t, x.bound + y.bound, x.error + y.error);
      case 2: return Rounded(x.t * y.t, x.bound * y.bound, x.bound * y.error + y.bound * x.error);
      case 3: return Item{Max(x.t, y.t), std::max(x.bound, y.bound), std::max(x.error, y.error)};
      case 4: return Item{Min(x.t, y.t), std::max(x.bound, y.bound), std::max(x.error, y.error)};
      default: {
        // |x / (y^2 + 1)| <= |x|
        const double slope = x.bound * 2 * (y.bound + 1);
        return Rounded(x.t / (y.t * y.t + 1.0), x.bound, x.error + slope * y.error, 8);
      }
    }
  }

  std::optional<Item> IntBinary(const Item& x, const Item& y) {
    switch (Pick(0, 7)) {
      case 0: return Item{x.t + y.t, 0, 0};
      case 1: return Item{x.t - y.t, 0, 0};
      case 2: return Item{x.t * y.t, 0, 0};
      case 3: return Item{Max(x.t, y.t), 0, 0};
      case 4: return Item{x.t / y.t, 0, 0};
      case 5: return Item{FloorDiv(x.t, y.t), 0, 0};
      case 6: return Item{Mod(x.t, y.t), 0, 0};
      default: return Item{Xor(x.t, And(y.t, x.t)), 0, 0};
    }
  }

  std::optional<Item> Choice() {
    const Item x = Any();
    if (x.error != 0 || x.t.dtype() == DType::kBool) return std::nullopt;
    const Item y = Partner(x);
    if (y.error != 0) return std::nullopt;
    Tensor condition = PickOf(std::vector{Less(x.t, y.t), GreaterEqual(x.t, y.t), Equal(x.t, y.t)});
    return Item{Select(condition, x.t, y.t), std::max(x.bound, y.bound), 0};
  }

  std::optional<Item> Convert() {
    const Item x = Any();
    static const std::vector<DType> kTo = {DType::kF32,  DType::kF32, DType::kF16,
                                           DType::kBF16, DType::kF64, DType::kI32,
                                           DType::kI64,  DType::kI8,  DType::kU8};
    const DType to = PickOf(kTo);
    if (to == x.t.dtype()) return std::nullopt;
    if (!IsFloat(to))
      return x.error == 0 ? std::optional<Item>(Item{Cast(x.t, to), 0, 0}) : std::nullopt;
    if (!IsFloat(x.t.dtype())) {
      // Integers may have grown large.
      Tensor small = x.t.dtype() == DType::kBool ? x.t : Mod(x.t, 17.0);
      return Item{Cast(small, to), 17, 0};
    }
    return Rounded(Cast(x.t, to), x.bound, x.error);
  }

  std::vector<int> SomeAxes(int rank) {
    std::vector<int> axes;
    for (int d = 0; d < rank; ++d) {
      if (Chance(2)) axes.push_back(d);
    }
    return axes;
  }

  std::optional<Item> Reduction() {
    const Item x = Any();
    const std::vector<int> axes = SomeAxes(x.t.rank());
    if (axes.empty() || x.t.dtype() == DType::kBool || Count(x.t) == 0) return std::nullopt;
    const bool keep = Chance(2);
    double terms = 1;
    for (int axis : axes) terms *= static_cast<double>(Value(x.t.dim(axis)));
    terms = 2 * terms + 16;  // extents may grow
    switch (Pick(0, 3)) {
      case 0: return Item{Reduce(ReduceKind::kMax, x.t, axes, keep), x.bound, x.error};
      case 1: return Item{Reduce(ReduceKind::kMin, x.t, axes, keep), x.bound, x.error};
      case 2: {
        if (x.error != 0 || !IsFloat(x.t.dtype())) return std::nullopt;
        return Item{Reduce(ReduceKind::kArgMax, x.t, {axes[0]}, keep, Chance(2)), 0, 0};
      }
      default: {
        if (!IsFloat(x.t.dtype())) return Item{Sum(x.t, axes, keep), 0, 0};
        return Rounded(Mean(Cast(x.t, DType::kF32), axes, keep), x.bound, x.error,
                       4 + std::sqrt(terms));
      }
    }
  }

  std::optional<Item> Softmax() {
    const Item* x = AnyFloat();
    if (!x || x->t.rank() == 0 || Count(x->t) == 0) return std::nullopt;
    const std::vector<int> axis = {Pick(0, x->t.rank() - 1)};
    Tensor z = Cast(x->t, DType::kF32);
    Tensor e = Exp(z - MaxOver(z, axis));
    const double roundings = 8 + std::sqrt(2.0 * static_cast<double>(Value(z.dim(axis[0]))) + 16);
    return Rounded(e / Sum(e, axis), 1, 2 * x->error, roundings);
  }

  std::optional<Item> Normalization() {
    const Item* x = AnyFloat();
    if (!x || x->t.rank() == 0 || Count(x->t) == 0) return std::nullopt;
    const std::vector<int> axes = {x->t.rank() - 1};
    Tensor t = Cast(x->t, DType::kF32);
    Tensor centred = t - Mean(t, axes);
    Tensor variance = Mean(centred * centred, axes);
    const double terms = 2.0 * static_cast<double>(Value(t.dim(-1))) + 16, b = x->bound + 1;
    // The slope of c / sqrt(v + 1) in c and v.
    return Rounded(centred / Sqrt(variance + 1.0), 2 * b, 8 * b * b * x->error,
                   (8 + std::sqrt(terms)) * b * b);
  }

  std::optional<Item> Turn() {
    const Item x = Any();
    std::vector<int> perm(static_cast<size_t>(x.t.rank()));
    for (int d = 0; d < x.t.rank(); ++d) perm[d] = d;
    std::shuffle(perm.begin(), perm.end(), random_);
    return Item{Transpose(x.t, perm), x.bound, x.error};
  }

  std::optional<Item> Reform() {
    const Item x = Any();
    Shape shape = x.t.shape();
    const int rank = x.t.rank();
    if (rank >= 2 && Chance(2)) {
      const int d = Pick(0, rank - 2);
      shape[d] = shape[d] * shape[d + 1];
      shape.erase(shape.begin() + d + 1);
    } else if (rank >= 1 && rank < 5) {
      const int d = Pick(0, rank - 1);
      const int64_t factor = Pick(2, 4);
      const bool splits = shape[d].IsConst() && shape[d].value() % factor == 0;
      if (splits) shape[d] = shape[d].value() / factor;
      shape.insert(shape.begin() + d, splits ? Dim(factor) : Dim(1));
    } else {
      return std::nullopt;
    }
    return Item{Reshape(x.t, shape), x.bound, x.error};
  }

  std::optional<Item> Cut() {
    const Item x = Any();
    std::vector<Dim> starts, sizes, steps;
    for (const Dim& extent : x.t.shape()) {
      const int64_t n = Value(extent);
      switch (n >= 4 ? Pick(0, 4) : 4) {
        case 0: starts.push_back(1), sizes.push_back(extent - Dim(2)), steps.push_back(1); break;
        case 1: starts.push_back(0), sizes.push_back(CeilDiv(extent, 2)), steps.push_back(2); break;
        case 2:
          starts.push_back(extent - Dim(1)), sizes.push_back(extent), steps.push_back(-1);
          break;
        case 3:
          starts.push_back(extent - Dim(2)), sizes.push_back(FloorDiv(extent, 2)),
              steps.push_back(-2);
          break;
        default: starts.push_back(0), sizes.push_back(extent), steps.push_back(1);
      }
    }
    return Item{SliceAll(x.t, starts, sizes, steps), x.bound, x.error};
  }

  std::optional<Item> Padding() {
    const Item x = Any();
    if (x.t.dtype() == DType::kBool || Count(x.t) * 4 > Limit() || x.t.rank() == 0)
      return std::nullopt;
    std::vector<Dim> lo, hi;
    std::vector<int64_t> gaps;
    for (const Dim& extent : x.t.shape()) {
      const bool long_enough = Value(extent) >= 4;
      lo.push_back(Pick(long_enough ? -1 : 0, 2));
      hi.push_back(Pick(long_enough ? -1 : 0, 2));
      gaps.push_back(Chance(4) ? 1 : 0);
    }
    return Item{Pad(x.t, lo, hi, builder_->Scalar(x.t.dtype(), 1), gaps), x.bound + 1, x.error};
  }

  std::optional<Item> Join() {
    const Item x = Any();
    if (x.t.rank() == 0 || Count(x.t) * 3 > Limit()) return std::nullopt;
    const int axis = Pick(0, x.t.rank() - 1);
    std::vector<Tensor> parts = {x.t};
    Item out = x;
    for (const Item& y : pool_) {
      bool fits = y.t.dtype() == x.t.dtype() && y.t.rank() == x.t.rank() && parts.size() < 3 &&
                  Count(y.t) < Limit() / 3;
      for (int d = 0; fits && d < x.t.rank(); ++d)
        fits = d == axis || Value(y.t.dim(d)) == Value(x.t.dim(d));
      if (!fits) continue;
      parts.push_back(y.t);
      out.bound = std::max(out.bound, y.bound);
      out.error = std::max(out.error, y.error);
    }
    out.t = Concat(parts, axis);
    return out;
  }

  // An input of indices below `limit`.
  Tensor Indices(int64_t count, int64_t limit, bool negative) {
    const DType dtype = Chance(2) ? DType::kI32 : DType::kI64;
    return AddInput(dtype, {count}, negative ? -static_cast<double>(limit) : 0,
                    static_cast<double>(limit - 1), false);
  }

  std::optional<Item> Lookup() {
    const Item x = Any();
    if (x.t.rank() == 0 || Count(x.t) == 0) return std::nullopt;
    const int axis = Pick(0, x.t.rank() - 1);
    const int64_t extent = Value(x.t.dim(axis)), count = Pick(1, 9);
    if (Count(x.t) / extent * count > Limit()) return std::nullopt;
    const bool negative = Chance(2);
    return Item{GatherAxis(x.t, Indices(count, extent, negative), axis, negative), x.bound,
                x.error};
  }

  std::optional<Item> Update() {
    const Item x = Any();
    if (x.t.rank() == 0 || Count(x.t) == 0 || x.t.dtype() == DType::kBool) return std::nullopt;
    const int64_t extent = Value(x.t.dim(0)), count = Pick(1, 6);
    Tensor updates = GatherAxis(x.t, Indices(count, extent, false), 0, false);
    Tensor where = Indices(count, extent, false);
    Shape spread(static_cast<size_t>(x.t.rank()), Dim(1));
    spread[0] = count;
    std::vector<int> axes = {-1};
    for (int d = 1; d < x.t.rank(); ++d) axes.push_back(d);
    const ReduceKind kind =
        PickOf(std::vector{ReduceKind::kNone, ReduceKind::kSum, ReduceKind::kMax});
    Tensor y = Scatter(kind, x.t, updates, {Reshape(where, spread)}, axes);
    if (kind != ReduceKind::kSum) return Item{y, x.bound, x.error};
    return Rounded(y, x.bound * static_cast<double>(count + 1),
                   x.error * static_cast<double>(count + 1), static_cast<double>(count));
  }

  std::optional<Item> Running() {
    const Item x = Any();
    if (x.t.rank() == 0 || x.t.dtype() == DType::kBool || IsHalf(x.t.dtype())) return std::nullopt;
    const int axis = Pick(0, x.t.rank() - 1);
    const bool sums = Chance(2);
    const double terms = sums ? 2.0 * static_cast<double>(Value(x.t.dim(axis))) + 16 : 1;
    const ReduceKind kind = sums ? ReduceKind::kSum : ReduceKind::kMax;
    Tensor y = Scan(kind, x.t, axis, sums && Chance(3), Chance(2));
    return sums ? Rounded(y, x.bound * terms, x.error * terms, std::sqrt(terms))
                : Item{y, x.bound, x.error};
  }

  Tensor Weights(const std::vector<int64_t>& dims) {
    return builder_->Constant(RandomLiteral(DType::kF32, dims, -1, 1, random_()));
  }

  std::optional<Item> Product() {
    const Item* x = AnyFloat();
    if (!x || x->t.dtype() == DType::kF64 || x->t.rank() < 2 || Count(x->t) == 0)
      return std::nullopt;
    const double terms = static_cast<double>(Value(x->t.dim(-1)));
    if (Chance(3)) {
      std::vector<int> perm(static_cast<size_t>(x->t.rank()));
      for (int d = 0; d < x->t.rank(); ++d) perm[d] = d;
      std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
      if (Count(x->t) / static_cast<int64_t>(terms) * Value(x->t.dim(-2)) > Limit())
        return std::nullopt;
      Tensor y = MatMul(x->t, Transpose(x->t, perm), DType::kF32);
      const double grown = 2 * terms + 16;
      return Rounded(y, grown * x->bound * x->bound, 2 * grown * x->bound * x->error,
                     2 + std::sqrt(grown));
    }
    const int64_t columns = PickOf(std::vector<int64_t>{1, 3, 8, 16, 17, 33});
    if (!x->t.dim(-1).IsConst()) return std::nullopt;
    if (Count(x->t) / static_cast<int64_t>(terms) * columns > Limit()) return std::nullopt;
    Tensor y = MatMul(x->t, Weights({static_cast<int64_t>(terms), columns}), DType::kF32);
    if (Chance(2)) y = Max(y + Weights({columns}), 0.0);
    return Rounded(y, terms * x->bound + 1, terms * x->error, 3 + std::sqrt(terms));
  }

  std::optional<Item> Image() {
    const Item* x = AnyFloat();
    if (!x || x->t.dtype() == DType::kF64 || x->t.rank() != 4 || Count(x->t) == 0)
      return std::nullopt;
    const Tensor& t = x->t;
    Window w;
    std::vector<Dim> hi;
    for (int d = 0; d < 2; ++d) {
      w.kernel.push_back(std::min<int64_t>(Pick(1, 3), Value(t.dim(d + 1))));
      w.strides.push_back(Pick(1, 2));
      w.dilations.push_back(w.kernel[d] * 2 - 1 <= Value(t.dim(d + 1)) && Chance(3) ? 2 : 1);
      w.pads_lo.push_back(Pick(0, static_cast<int>(w.kernel[d]) - 1));
      hi.push_back(Pick(0, static_cast<int>(w.kernel[d]) - 1));
    }
    const double taps = static_cast<double>(w.kernel[0] * w.kernel[1]);
    if (Chance(3)) {
      const bool max = Chance(2);
      Tensor y =
          Pool(max ? ReduceKind::kMax : ReduceKind::kSum, Cast(t, DType::kF32), w, hi, Chance(4));
      return max ? Item{y, x->bound, x->error}
                 : Rounded(y, taps * x->bound, taps * x->error, 1 + taps);
    }
    if (!t.dim(3).IsConst()) return std::nullopt;
    const int64_t channels = t.dim(3).value();
    w.groups = Chance(3) ? channels : 1;  // depthwise
    const int64_t outputs = w.groups * Pick(1, w.groups > 1 ? 2 : 17);
    if (Count(t) / channels * outputs > Limit()) return std::nullopt;
    Tensor filter = Weights({w.kernel[0], w.kernel[1], channels / w.groups, outputs});
    const double terms = taps * static_cast<double>(channels / w.groups);
    Tensor y = Conv(t, filter, w, hi, DType::kF32);
    if (Chance(2)) y = y * Weights({outputs}) + Weights({outputs});
    return Rounded(y, terms * x->bound + 1, terms * x->error, 4 + std::sqrt(terms));
  }

  std::optional<Item> Step() {
    static const std::vector<Maker> kMakers = {
        &Generator::Unary,     &Generator::Unary,   &Generator::Binary,  &Generator::Binary,
        &Generator::Choice,    &Generator::Convert, &Generator::Convert, &Generator::Reduction,
        &Generator::Reduction, &Generator::Softmax, &Generator::Turn,    &Generator::Reform,
        &Generator::Cut,       &Generator::Padding, &Generator::Join,    &Generator::Lookup,
        &Generator::Update,    &Generator::Running, &Generator::Product, &Generator::Product,
        &Generator::Image,     &Generator::Image,   &Generator::Image,   &Generator::Normalization};
    return (this->*PickOf(kMakers))();
  }

  // A new value for what `x` holds: unrelated, computed from it element by element, or with some rows replaced.
  Item NewContents(const Item& x) {
    switch (Pick(0, 3)) {
      case 0:
        for (int i = 0; i < 8; ++i) {
          const Item& y = Any();
          if (y.t.node()->type == x.t.node()->type) return y;
        }
        [[fallthrough]];
      case 1:
        if (IsFloat(x.t.dtype())) return Rounded(x.t * 0.5 + 1.0, x.bound + 1, x.error, 2);
        [[fallthrough]];
      default: {
        const int64_t extent = x.t.rank() ? Value(x.t.dim(0)) : 0;
        if (extent == 0) return x;
        Shape rows = x.t.shape();
        rows[0] = Pick(1, 3);
        std::vector<int> axes = {-1};
        for (int d = 1; d < x.t.rank(); ++d) axes.push_back(d);
        Shape spread(rows.size(), Dim(1));
        spread[0] = rows[0];
        Tensor updates = GatherAxis(x.t, Indices(rows[0].value(), extent, false), 0, false);
        Tensor where = Reshape(Indices(rows[0].value(), extent, false), spread);
        return {Scatter(ReduceKind::kNone, x.t, updates, {where}, axes), x.bound, x.error};
      }
    }
  }

  // Some inputs hold something else in the end, now and then after two steps, which an output may show as well.
  void AddStores() {
    const std::vector<Item> items = pool_;
    for (const Item& x : items) {
      const int index = x.t.node()->index;
      const bool known = std::any_of(stores_.begin(), stores_.end(), [&](const Store& s) { return s.input == index; });
      if (x.t.node()->op != Op::kInput || known || !Chance(2)) continue;
      Item value = NewContents(x);
      if (Chance(3)) value = NewContents(value);
      if (Chance(3)) pool_.push_back(value);
      stores_.push_back({index, value.t.node()});
      stored_.push_back(value);
    }
  }

  // Values that nothing reads, newest first: nearly all that was made is live.
  void Finish() {
    std::vector<char> read(static_cast<size_t>(out_.graph->size()), 0);
    for (const auto& node : out_.graph->nodes()) {
      for (const Node* in : node->inputs) read[in->id] = 1;
    }
    for (size_t i = pool_.size(); i-- > 0 && out_.graph->outputs.size() < 4;) {
      const Node* node = pool_[i].t.node();
      const bool leaf = !read[node->id] && node->op != Op::kInput;
      if (!leaf && !(i == 0 && out_.graph->outputs.empty())) continue;
      out_.graph->outputs.push_back(pool_[i].t.node());
      out_.allowed_errors.push_back(pool_[i].error);
      out_.grains.push_back(Grain(node));
    }
    out_.graph->stores = stores_;
    for (const Item& value : stored_) {
      out_.allowed_errors.push_back(value.error);
      out_.grains.push_back(Grain(value.t.node()));
    }
  }

  // Epsilon of the coarsest type on the way to the node.
  double Grain(const Node* node) {
    std::vector<char> seen(static_cast<size_t>(out_.graph->size()), 0);
    std::vector<const Node*> stack = {node};
    double grain = 0;
    while (!stack.empty()) {
      const Node* at = stack.back();
      stack.pop_back();
      if (std::exchange(seen[at->id], 1)) continue;
      if (at->op != Op::kInput && at->op != Op::kConst)
        grain = std::max(grain, Epsilon(at->type.dtype));
      stack.insert(stack.end(), at->inputs.begin(), at->inputs.end());
    }
    return grain;
  }

  std::mt19937_64 random_;
  const bool large_;
  bool dynamic_ = false;
  RandomGraph out_;
  std::unique_ptr<Builder> builder_;
  std::vector<Item> pool_;
  std::vector<Store> stores_;
  std::vector<Item> stored_;  // their values
};

}  // namespace

RandomGraph GenerateGraph(uint64_t seed, bool large) { return Generator(seed, large).Run(); }

std::vector<LiteralPtr> RandomInputs(const RandomGraph& random, const std::vector<int64_t>& extents,
                                     uint64_t seed) {
  std::vector<LiteralPtr> inputs;
  for (size_t i = 0; i < random.inputs.size(); ++i) {
    const TensorType& type = random.graph->inputs[i]->type;
    std::vector<int64_t> dims;
    for (const Dim& d : type.shape) dims.push_back(d.Evaluate(extents));
    inputs.push_back(
        RandomLiteral(type.dtype, dims, random.inputs[i].lo, random.inputs[i].hi, seed * 64 + i));
  }
  return inputs;
}

}  // namespace belay
