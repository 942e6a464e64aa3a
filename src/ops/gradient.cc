#include "ops/gradient.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/gradient_rules.h"

namespace belay {
namespace {

Tensor Unary(ScalarOp op, const Tensor& x) { return Map(op, x); }

// dy/dx of one-argument maps, in terms of x and y; empty when it is 0 everywhere.
Tensor Slope(const GradientStep& s, ScalarOp op) {
  const Tensor &x = s.x[0], &y = s.y;
  switch (op) {
    case ScalarOp::kNeg: return s.b.Scalar(x.dtype(), -1);
    case ScalarOp::kAbs: return Unary(ScalarOp::kSign, x);
    case ScalarOp::kSqrt: return 0.5 / y;
    case ScalarOp::kRsqrt: return y * y * y * -0.5;
    case ScalarOp::kRecip: return -(y * y);
    case ScalarOp::kExp: return y;
    case ScalarOp::kExp2: return y * std::numbers::ln2;
    case ScalarOp::kExpm1: return y + 1.0;
    case ScalarOp::kLog: return 1.0 / x;
    case ScalarOp::kLog2: return 1.0 / (x * std::numbers::ln2);
    case ScalarOp::kLog1p: return 1.0 / (x + 1.0);
    case ScalarOp::kSin: return Unary(ScalarOp::kCos, x);
    case ScalarOp::kCos: return -Unary(ScalarOp::kSin, x);
    case ScalarOp::kTan: return y * y + 1.0;
    case ScalarOp::kAsin: return Unary(ScalarOp::kRsqrt, 1.0 - x * x);
    case ScalarOp::kAcos: return -Unary(ScalarOp::kRsqrt, 1.0 - x * x);
    case ScalarOp::kAtan: return 1.0 / (x * x + 1.0);
    case ScalarOp::kSinh: return Unary(ScalarOp::kCosh, x);
    case ScalarOp::kCosh: return Unary(ScalarOp::kSinh, x);
    case ScalarOp::kTanh: return 1.0 - y * y;
    case ScalarOp::kAsinh: return Unary(ScalarOp::kRsqrt, x * x + 1.0);
    case ScalarOp::kAcosh: return Unary(ScalarOp::kRsqrt, x * x - 1.0);
    case ScalarOp::kAtanh: return 1.0 / (1.0 - x * x);
    case ScalarOp::kErf: return Exp(-(x * x)) * (2 * std::numbers::inv_sqrtpi);
    case ScalarOp::kSigmoid: return y * (1.0 - y);
    case ScalarOp::kSign:
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
    case ScalarOp::kTrunc: return Tensor();
    default: FailNotSupported("a gradient through {}", ScalarOpName(op));
  }
}

void TwoArguments(GradientStep& s) {
  const Tensor &g = s.g, &a = s.x[0], &b = s.x[1];
  switch (s.node->scalar) {
    case ScalarOp::kAdd: s.dx = {g, g}; return;
    case ScalarOp::kSub: s.dx = {g, -g}; return;
    case ScalarOp::kMul: s.dx = {g * b, g * a}; return;
    case ScalarOp::kDiv:
      s.dx[0] = g / b;
      if (s.wanted[1]) s.dx[1] = -(s.dx[0] * s.y);
      return;
    case ScalarOp::kPow:
      if (s.wanted[0]) s.dx[0] = g * b * Pow(a, b - 1.0);
      if (s.wanted[1]) s.dx[1] = g * s.y * Log(a);
      return;
    case ScalarOp::kMax:
    case ScalarOp::kMin: {
      Tensor first = s.node->scalar == ScalarOp::kMax ? Greater(a, b) : Less(a, b);
      s.dx = {Select(first, g, s.Zero()), Select(first, s.Zero(), g)};
      return;
    }
    case ScalarOp::kMod:
    case ScalarOp::kFMod: {
      const bool floor = s.node->scalar == ScalarOp::kMod;
      s.dx = {g, -(g * Unary(floor ? ScalarOp::kFloor : ScalarOp::kTrunc, a / b))};
      return;
    }
    case ScalarOp::kAtan2: {
      Tensor scaled = g / (a * a + b * b);
      s.dx = {scaled * b, -(scaled * a)};
      return;
    }
    default: FailNotSupported("a gradient through {}", ScalarOpName(s.node->scalar));
  }
}

void MapRule(GradientStep& s) {
  switch (s.node->scalar) {
    case ScalarOp::kCast:
      if (IsFloat(s.x[0].dtype())) s.dx[0] = Cast(s.g, s.x[0].dtype());
      return;
    case ScalarOp::kSelect:
      s.dx[1] = Select(s.x[0], s.g, s.Zero());
      s.dx[2] = Select(s.x[0], s.Zero(), s.g);
      return;
    case ScalarOp::kFma: s.dx = {s.g * s.x[1], s.g * s.x[0], s.g}; return;
    default: break;
  }
  if (s.x.size() == 2) return TwoArguments(s);
  if (Tensor slope = Slope(s, s.node->scalar)) s.dx[0] = s.g * slope;
}

int64_t KnownStep(const Dim& step) {
  if (!step.IsConst()) FailNotSupported("a gradient through a slice of unknown step");
  return step.value();
}

// What lies between and around the slice gets 0.
void SliceRule(GradientStep& s) {
  std::vector<Dim> lo, hi;
  std::vector<int64_t> interior;
  Tensor g = s.g;
  for (int d = 0; d < g.rank(); ++d) {
    int64_t step = KnownStep(s.node->steps[d]);
    Dim start = s.node->starts[d];
    const Dim count = g.dim(d);
    if (step < 0) {
      g = Slice(g, d, count - Dim(1), count, -1);
      start = start + (count - Dim(1)) * Dim(step);
      step = -step;
    }
    lo.push_back(start);
    hi.push_back(s.x[0].dim(d) - start - Spread(count, step));
    interior.push_back(step - 1);
  }
  s.dx[0] = Pad(g, lo, hi, s.Zero(), interior);
}

// Where the padding was negative, elements that it cropped get 0.
void PadRule(GradientStep& s) {
  if (s.wanted[1]) FailNotSupported("a gradient by the value of a padding");
  std::vector<Dim> lo, hi, starts, steps = s.node->steps;
  for (int d = 0; d < s.g.rank(); ++d) {
    const Dim& start = s.node->starts[d];
    const Dim end = s.g.dim(d) - start - Spread(s.x[0].dim(d), steps[d]);
    lo.push_back(Max(start * Dim(-1), 0));
    hi.push_back(Max(end * Dim(-1), 0));
    starts.push_back(Max(start, 0));
  }
  s.dx[0] = SliceAll(Pad(s.g, lo, hi, s.Zero()), starts, s.x[0].shape(), steps);
}

void ConcatRule(GradientStep& s) {
  const int axis = s.node->axes[0];
  Dim at(0);
  for (size_t i = 0; i < s.x.size(); ++i) {
    s.dx[i] = Slice(s.g, axis, at, s.x[i].dim(axis));
    at = at + s.x[i].dim(axis);
  }
}

void ReduceRule(GradientStep& s) {
  const Tensor& x = s.x[0];
  Tensor spread = BroadcastTo(Unsqueeze(s.g, s.node->axes), x.shape());
  switch (s.node->reduce) {
    case ReduceKind::kSum: s.dx[0] = spread; return;
    case ReduceKind::kMax:
    case ReduceKind::kMin:
      s.dx[0] = Select(Equal(x, Unsqueeze(s.y, s.node->axes)), spread, s.Zero());
      return;
    default:
      FailNotSupported("a gradient through a reduction by {}", ReduceKindName(s.node->reduce));
  }
}

void BroadcastRule(GradientStep& s) {
  std::vector<int> axes;
  for (int d = 0; d < s.g.rank(); ++d) {
    if (s.x[0].dim(d).IsConst(1) && !s.g.dim(d).IsConst(1)) axes.push_back(d);
  }
  s.dx[0] = Sum(s.g, axes);
}

void ScanRule(GradientStep& s) {
  if (s.node->reduce != ReduceKind::kSum) {
    FailNotSupported("a gradient through a scan by {}", ReduceKindName(s.node->reduce));
  }
  const bool reverse = s.node->flags & kReverse, exclusive = s.node->flags & kExclusive;
  s.dx[0] = Scan(ReduceKind::kSum, s.g, s.node->axes[0], exclusive, !reverse);
}

void Apply(GradientStep& s) {
  switch (s.node->op) {
    case Op::kMap: return MapRule(s);
    case Op::kReshape: s.dx[0] = Reshape(s.g, s.x[0].shape()); return;
    case Op::kTranspose: {
      std::vector<int> inverse(s.node->axes.size());
      for (size_t d = 0; d < inverse.size(); ++d) inverse[s.node->axes[d]] = static_cast<int>(d);
      s.dx[0] = Transpose(s.g, inverse);
      return;
    }
    case Op::kBroadcast: return BroadcastRule(s);
    case Op::kSlice: return SliceRule(s);
    case Op::kPad: return PadRule(s);
    case Op::kConcat: return ConcatRule(s);
    case Op::kReduce: return ReduceRule(s);
    case Op::kScan: return ScanRule(s);
    case Op::kGather: {
      Tensor zeros = BroadcastTo(s.Zero(), s.x[0].shape());
      s.dx[0] = Scatter(ReduceKind::kSum, zeros, s.g, {s.x.begin() + 1, s.x.end()}, s.node->axes);
      return;
    }
    case Op::kContract:
      if (s.wanted[0]) s.dx[0] = MatMul(s.g, SwapLast(s.x[1]), s.g.dtype());
      if (s.wanted[1]) s.dx[1] = MatMul(SwapLast(s.x[0]), s.g, s.g.dtype());
      return;
    case Op::kConv: return ConvRule(s);
    case Op::kPool: return PoolRule(s);
    default: FailNotSupported("a gradient through this operation");
  }
}

class Reverse {
 public:
  explicit Reverse(Builder& b)
      : b_(b), first_new_(b.graph().size()), needs_(first_new_, 0), sums_(first_new_) {}

  // Marks everything that is computed from xs.
  void MarkFrom(const std::vector<Tensor>& xs) {
    for (const Tensor& x : xs) needs_[x.node()->id] = 1;
    for (int id = 0; id < first_new_; ++id) {
      for (const Node* in : b_.graph().nodes()[id]->inputs) needs_[id] |= needs_[in->id];
    }
  }
  void AddTo(const Node* node, const Tensor& g) {
    Tensor& sum = sums_[node->id];
    sum = sum ? sum + g : g;
  }
  void Run(const std::vector<Tensor>& xs) {
    std::vector<char> stop(first_new_, 0);
    for (const Tensor& x : xs) stop[x.node()->id] = 1;
    for (int id = first_new_ - 1; id >= 0; --id) {
      if (sums_[id] && needs_[id] && !stop[id]) Through(b_.graph().nodes()[id].get(), sums_[id]);
    }
  }
  Tensor Of(const Tensor& x) const {
    const Tensor& sum = sums_[x.node()->id];
    return sum ? sum : BroadcastTo(b_.Scalar(x.dtype(), 0), x.shape());
  }

 private:
  void Through(Node* node, const Tensor& g) {
    GradientStep s{b_, node, b_.Wrap(node), g, {}, {}, {}};
    for (Node* in : node->inputs) {
      s.x.push_back(b_.Wrap(in));
      s.wanted.push_back(needs_[in->id] != 0);
    }
    s.dx.resize(s.x.size());
    Apply(s);
    for (size_t i = 0; i < s.x.size(); ++i) {
      if (s.wanted[i] && s.dx[i]) AddTo(node->inputs[i], s.dx[i]);
    }
  }

  Builder& b_;
  const int first_new_;
  std::vector<char> needs_;   // by node
  std::vector<Tensor> sums_;  // by node
};

// dy with y's extents, which may be other expressions of the same numbers.
Tensor Matched(const Tensor& dy, const Tensor& y) {
  bool fits = dy.rank() == y.rank() && dy.dtype() == y.dtype();
  for (int d = 0; fits && d < y.rank(); ++d) {
    fits = y.builder().Assume(Equal(dy.dim(d), y.dim(d)), true);
  }
  if (!fits) {
    Fail("the gradient is {}, but the result {}", ToString(dy.node()->type),
         ToString(y.node()->type));
  }
  return Reshape(dy, y.shape());
}

}  // namespace

std::vector<Tensor> Gradients(const std::vector<Upstream>& outputs, const std::vector<Tensor>& xs) {
  Reverse reverse(xs[0].builder());
  reverse.MarkFrom(xs);
  for (const auto& [y, dy] : outputs) reverse.AddTo(y.node(), Matched(dy, y));
  reverse.Run(xs);
  std::vector<Tensor> gradients;
  for (const Tensor& x : xs) gradients.push_back(reverse.Of(x));
  return gradients;
}

Tensor Placeholder(Builder& b, DType dtype, const Shape& shape) {
  return b.Wrap(b.graph().Add(Op::kInput, {}, {dtype, shape}));
}

Tensor Gradient(const Tensor& y, const Tensor& dy, const Tensor& x) {
  return Gradients({{y, dy}}, {x})[0];
}

}  // namespace belay
