// Matrix products in groups: pairs of matrices, or one matrix whose rows (or columns) belong to
// several weights.
#include <cmath>

#include "ops/quant.h"

namespace belay {
namespace {

// What belongs to group i of an input that is a list of tensors or one tensor with the groups
// first.
Tensor OfGroup(const std::vector<Tensor>& list, int i, int group_rank) {
  if (list.empty()) return Tensor();
  if (list.size() > 1) return i < static_cast<int>(list.size()) ? list[i] : Tensor();
  if (list[0].rank() == group_rank) return list[0];
  return Squeeze(Slice(list[0], 0, i, 1), {0});
}

struct Weights {
  std::vector<Tensor> weight, bias, scale, offset, antiquant_scale, antiquant_offset;
  bool transposed = false;
};

// A list whose one tensor is empty stands for none.
std::vector<Tensor> ListOf(const Body& b, const char* name) {
  std::vector<Tensor> list = b.RawIns(name);
  if (list.size() == 1 && list[0].rank() == 1 && list[0].dim(0).IsConst(0)) list.clear();
  return list;
}

Weights ReadWeights(const Body& b) {
  return {b.RawIns("weight"),           ListOf(b, "bias"),
          ListOf(b, "scale"),           ListOf(b, "offset"),
          ListOf(b, "antiquant_scale"), ListOf(b, "antiquant_offset"),
          b.Bool("transpose_weight")};
}

int GroupsIn(const Weights& w) {
  if (w.weight.size() > 1 || w.weight[0].rank() == 2) return static_cast<int>(w.weight.size());
  const Dim& groups = w.weight[0].dim(0);
  if (!groups.IsConst()) FailNotSupported("a number of groups that is only known at run time");
  return static_cast<int>(groups.value());
}

bool IsWhole(const Tensor& bias, const Tensor& x) {
  return bias && bias.dtype() == AccumulatorOf(x.dtype());
}

// x @ weight, as the weight's own scales want it.
Tensor Product(const Weights& w, int i, const Tensor& x) {
  Tensor weight = OfGroup(w.weight, i, 2);
  if (w.transposed) weight = SwapLast(weight);
  if (Tensor scale = OfGroup(w.antiquant_scale, i, 1)) {
    weight = Cast(weight, DType::kF32);
    if (Tensor offset = OfGroup(w.antiquant_offset, i, 1)) {
      weight = weight + Cast(offset, DType::kF32);
    }
    weight = weight * Cast(scale, DType::kF32);
  }
  Tensor y = MatMul(x, weight, AccumulatorOf(x.dtype()));
  Tensor bias = OfGroup(w.bias, i, 1);
  if (IsWhole(bias, x)) y = y + bias;
  if (Tensor scale = OfGroup(w.scale, i, 1)) {
    y = Cast(y, DType::kF32) * UnpackedParameters(scale).scale;
  }
  return y;
}

// The bias that is added to scaled sums.
Tensor WithBias(const Weights& w, int i, const Tensor& x, const Tensor& y) {
  Tensor bias = OfGroup(w.bias, i, 1);
  return !bias || IsWhole(bias, x) ? y : Cast(y, DType::kF32) + Cast(bias, DType::kF32);
}

Tensor Activated(const Tensor& y, int64_t type) {
  switch (type) {
    case 0: return y;
    case 1: return Relu(y);
    case 2: return GeluTanh(y);
    case 3: return GeluErf(y);
    case 4: return FastGelu(y);
    case 5: return y * Sigmoid(y);
    default: FailNotSupported("act_type {} (only 0 to 5)", type);
  }
}

// Where each group begins and ends.
struct Borders {
  std::vector<Dim> known;  // count + 1; empty: the tensors say it
  Tensor begins, ends;     // i64 [count]
};

Borders ReadBorders(Body& b, int count) {
  if (!b.Has("group_list"))
    Fail("input group_list is required by group_type {}", b.Int("group_type"));
  const int64_t type = b.Int("group_list_type");
  if (type != 0 && type != 1) FailNotSupported("group_list_type {} (only 0 and 1)", type);
  Tensor list = Cast(b.Raw("group_list"), DType::kI64);
  if (list.rank() != 1 || !b.builder().Assume(Equal(list.dim(0), count), true)) {
    Fail("group_list has shape {}, but there are {} groups", ToString(list.shape()), count);
  }
  Borders r;
  if (list.node()->contents) {
    r.known.push_back(0);
    for (const Dim& d : *list.node()->contents)
      r.known.push_back(type == 0 ? d : r.known.back() + d);
    return r;
  }
  r.ends = type == 0 ? list : Scan(ReduceKind::kSum, list, 0, false, false);
  Tensor zero = b.builder().ScalarInt(DType::kI64, 0);
  r.begins = Slice(Pad(r.ends, {Dim(1)}, {Dim(0)}, zero), 0, 0, count);
  return r;
}

Tensor Part(const Tensor& x, int axis, const Borders& borders, int i) {
  if (!borders.known.empty()) {
    return Slice(x, axis, borders.known[i], borders.known[i + 1] - borders.known[i]);
  }
  return SliceWhileRunning(x, Slice(borders.begins, 0, i, 1), Slice(borders.ends, 0, i, 1), {axis},
                           {1});
}

// Rows behind the last group are 0.
Tensor Joined(const std::vector<Tensor>& parts, const Dim& rows) {
  Tensor y = Concat(parts, 0);
  Tensor zero = y.builder().Scalar(y.dtype(), 0);
  return Pad(y, {Dim(0), Dim(0)}, {rows - y.dim(0), Dim(0)}, zero);
}

std::vector<Tensor> InPairs(const Weights& w, const std::vector<Tensor>& x) {
  if (x.size() != w.weight.size())
    Fail("x has {} tensors, but weight {}", x.size(), w.weight.size());
  std::vector<Tensor> parts;
  for (int i = 0; i < static_cast<int>(x.size()); ++i) {
    parts.push_back(WithBias(w, i, x[i], Product(w, i, x[i])));
  }
  return parts;
}

std::vector<Tensor> ByRows(const Weights& w, const Borders& borders, const Tensor& x, int count,
                           bool with_bias) {
  std::vector<Tensor> parts;
  for (int i = 0; i < count; ++i) {
    Tensor y = Product(w, i, Part(x, 0, borders, i));
    parts.push_back(with_bias ? WithBias(w, i, x, y) : y);
  }
  return parts;
}

// Scales of rows and the bias after them, on all rows together; those behind the last group stay 0.
Tensor RowsScaled(Body& b, const Weights& w, const Borders& borders, const Tensor& x,
                  const Tensor& product) {
  Tensor y = Cast(product, DType::kF32) * Unsqueeze(b.In("per_token_scale"), {1});
  if (w.bias.empty() || IsWhole(w.bias[0], x)) return y;
  if (w.bias.size() > 1) FailNotSupported("a list of bias tensors beside per_token_scale");
  Tensor ends = borders.ends;
  if (!ends) {
    ends = b.builder().FromDims(DType::kI64, {borders.known.begin() + 1, borders.known.end()});
  }
  Tensor row = b.builder().Iota(DType::kI64, {y.dim(0), Dim(1)}, 0);
  Tensor group = Sum(Cast(LessEqual(Unsqueeze(ends, {0}), row), DType::kI32), {1}, false);
  Tensor last = b.builder().FromDim(DType::kI32, ends.dim(0) - Dim(1));
  Tensor bias = Cast(GatherAxis(w.bias[0], Min(group, last), 0, false), DType::kF32);
  return Select(Unsqueeze(LessEqual(group, last), {1}), y + bias, ZeroLike(y));
}

// The groups divide what is summed up.
Tensor ByColumns(Body& b, const Weights& w, const Tensor& x) {
  if (w.weight.size() != 1 || w.weight[0].rank() != 2) {
    FailNotSupported("group_type 2 with several weights");
  }
  const Dim& groups = b.Raw("group_list").dim(0);
  if (!groups.IsConst()) FailNotSupported("a number of groups that is only known at run time");
  const int count = static_cast<int>(groups.value());
  const Borders borders = ReadBorders(b, count);
  // Both sides are cut as one, so that they are known to fit.
  Tensor both = Concat({SwapLast(x), w.weight[0]}, 1);
  std::vector<Tensor> parts;
  for (int i = 0; i < count; ++i) {
    Tensor part = Part(both, 0, borders, i);
    Tensor lhs = SwapLast(Slice(part, 1, 0, x.dim(0)));
    Tensor rhs = Slice(part, 1, x.dim(0), w.weight[0].dim(1));
    parts.push_back(Unsqueeze(MatMul(lhs, rhs, AccumulatorOf(x.dtype())), {0}));
  }
  return Concat(parts, 0);
}

// GE's `dtype` speaks of quantised products only.
DType ResultType(const Body& b, const Tensor& x) {
  if (IsFloat(x.dtype())) return x.dtype();
  switch (b.Int("dtype")) {
    case -1: return DType::kI8;
    case 0: return DType::kF16;
    case 1: return DType::kBF16;
    case 2: return DType::kI32;
    case 3: return DType::kF32;
    default:
      FailNotSupported("dtype {} (only -1 i8, 0 f16, 1 bf16, 2 i32 and 3 f32)", b.Int("dtype"));
  }
}

Tensor Finished(const Tensor& y, DType dtype, int64_t act_type) {
  if (dtype == y.dtype() && act_type == 0) return y;
  Tensor out = Activated(IsFloat(y.dtype()) ? y : Cast(y, DType::kF32), act_type);
  return dtype == DType::kI8 ? Quantised(out, dtype) : Cast(out, dtype);
}

std::vector<Tensor> RowGroups(Body& b, const Weights& w, const Tensor& x, bool single) {
  const int count = GroupsIn(w);
  const Borders borders = ReadBorders(b, count);
  const bool scaled = b.Has("per_token_scale");
  std::vector<Tensor> y = ByRows(w, borders, x, count, !scaled);
  if (!single && scaled) FailNotSupported("per_token_scale with outputs in parts");
  if (single) y = {Joined(y, x.dim(0))};
  if (scaled) y = {RowsScaled(b, w, borders, x, y[0])};
  return y;
}

std::vector<Tensor> Products(Body& b, const Weights& w, const std::vector<Tensor>& x, bool single) {
  const int64_t group_type = b.Int("group_type");
  if (group_type == 2) {
    if (!single) FailNotSupported("group_type 2 with outputs in parts");
    return {ByColumns(b, w, x[0])};
  }
  if (group_type == 0 && x.size() == 1) return RowGroups(b, w, x[0], single);
  if (group_type != -1 && group_type != 0) {
    FailNotSupported("group_type {} (only -1, 0 and 2)", group_type);
  }
  if (b.Has("per_token_scale")) FailNotSupported("per_token_scale with several tensors in x");
  std::vector<Tensor> y = InPairs(w, x);
  return single ? std::vector<Tensor>{Concat(y, 0)} : y;
}

void GroupedMatMulBody(Body& b) {
  const Weights w = ReadWeights(b);
  std::vector<Tensor> x = b.RawIns("x");
  if (x.empty() || w.weight.empty()) Fail("x and weight need at least one tensor each");
  const int64_t split = b.Int("split_item");
  if (split < 0 || split > 3) Fail("split_item is {}, but must be 0 to 3", split);
  if (!w.offset.empty()) FailNotSupported("the input offset");
  if (b.Bool("transpose_x")) x[0] = SwapLast(x[0]);
  std::vector<Tensor> y = Products(b, w, x, split >= 2);
  const DType dtype = ResultType(b, x[0]);
  for (Tensor& t : y) t = Finished(t, dtype, b.Int("act_type"));
  b.Outs("y", y);
}

// Scales of group i: one number, or one per column.
Tensor ScaleOfGroup(const Tensor& scale, int i, int count) {
  if (scale.rank() > 0 && !scale.builder().Assume(Equal(scale.dim(0), count), true)) {
    Fail("a scale has shape {}, but there are {} groups", ToString(scale.shape()), count);
  }
  if (scale.rank() != 1 && scale.rank() != 2) {
    FailNotSupported("a scale of shape {} (only one number per group, or one per row or column)",
                     ToString(scale.shape()));
  }
  return Squeeze(Slice(scale, 0, i, 1), {0});
}

// y[i] + x1[:, group i] @ x2[group i] * scale2[i] * scale1[i]; what y holds becomes the sums.
void GroupedAddBody(Body& b) {
  if (b.Int("group_size") != 0 || b.Raw("scale2").dtype() != DType::kF32) {
    FailNotSupported("scales of blocks (group_size {}, scale2 in {})", b.Int("group_size"),
                     DTypeName(b.Raw("scale2").dtype()));
  }
  Tensor x1 = Cast(b.Raw("x1"), DType::kF32), x2 = Cast(b.Raw("x2"), DType::kF32), y = b.Raw("y");
  if (x1.rank() != 2 || x2.rank() != 2 || y.rank() != 3) {
    Fail("x1, x2 and y have ranks {}, {} and {}, but must have 2, 2 and 3", x1.rank(), x2.rank(), y.rank());
  }
  if (!y.dim(0).IsConst()) FailNotSupported("a number of groups that is only known at run time");
  const int count = static_cast<int>(y.dim(0).value());
  const Borders borders = ReadBorders(b, count);
  // Both sides are cut as one, so that they are known to fit.
  Tensor both = Concat({SwapLast(x1), x2}, 1);
  std::vector<Tensor> sums;
  for (int i = 0; i < count; ++i) {
    Tensor part = Part(both, 0, borders, i);
    Tensor lhs = SwapLast(Slice(part, 1, 0, x1.dim(0)));
    Tensor product = MatMul(lhs, Slice(part, 1, x1.dim(0), x2.dim(1)), DType::kF32);
    product = product * ScaleOfGroup(b.Raw("scale2"), i, count);
    if (b.Has("scale1")) {
      Tensor rows = ScaleOfGroup(b.Raw("scale1"), i, count);
      product = product * Unsqueeze(rows, {rows.rank()});
    }
    sums.push_back(Unsqueeze(product, {0}));
  }
  b.OutRaw("y", y + Concat(sums, 0));
}

}  // namespace

BELAY_OP(QuantGroupedMatmulInplaceAdd) {
  const std::vector<DType> bytes = {DType::kF8E5M2, DType::kF8E4M3};
  op.Dtypes("x1", bytes).Dtypes("x2", bytes).Dtypes("y", {DType::kF32}).Computes(GroupedAddBody);
}

BELAY_OP(GroupedMatmul) { op.Computes(GroupedMatMulBody); }

}  // namespace belay
