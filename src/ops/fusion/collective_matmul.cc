// Matrix products before or behind a collective. A process is the only rank of its group, so the collective gives what
// it is given; more ranks are refused.
#include "ops/collective.h"
#include "ops/quant.h"

namespace belay {
namespace {

// The names of one prototype's attributes that turn the operands.
struct TurnedBy {
  const char *x1, *x2;
};
constexpr TurnedBy kIsTrans = {"is_trans_a", "is_trans_b"}, kTranspose = {"transpose_x1", "transpose_x2"};

void CheckMatrices(const Body& b) {
  const int x1 = b.Raw("x1").rank(), x2 = b.Raw("x2").rank();
  if (x1 != 2 || x2 != 2) Fail("x1 and x2 have ranks {} and {}, but must be matrices", x1, x2);
}

// rank_size 0: that of the group.
void CheckRankSize(const Body& b) {
  CheckAlone();
  if (b.Int("rank_size") != 0) CheckRankCount(b, "rank_size");
}

// x1 @ x2 + bias in floats, not rounded yet.
Tensor FloatProduct(const Body& b, TurnedBy turned) {
  CheckMatrices(b);
  Tensor x1 = Turned(b.In("x1"), b.Bool(turned.x1)), x2 = Turned(b.In("x2"), b.Bool(turned.x2));
  Tensor y = MatMul(x1, x2, x1.dtype());
  return b.Has("bias") ? y + Cast(b.Raw("bias"), y.dtype()) : y;
}

// (x1 @ x2) * scale of the row * scale of the column, in f32.
Tensor QuantisedProduct(const Body& b, TurnedBy turned) {
  CheckMatrices(b);
  if (!b.Has("x2_scale")) Fail("input x2_scale is required where x1 is {}", DTypeName(b.Raw("x1").dtype()));
  if (b.Has("bias")) FailNotSupported("a bias beside scales");
  const Tensor x1_scale = b.Optional("x1_scale");
  return ScaledMatMul({b.Raw("x1"), x1_scale, b.Bool(turned.x1)}, {b.Raw("x2"), b.Raw("x2_scale"), b.Bool(turned.x2)},
                      b.Int("group_size"));
}

// GE's number of the result's dtype; undefined: that of floats.
DType ResultType(const Body& b, bool quantised) {
  const int64_t number = b.Int("y_dtype");
  switch (static_cast<DType>(number)) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16: return static_cast<DType>(number);
    case DType::kUndefined:
      if (!quantised) return b.Raw("x1").dtype();
      Fail("y_dtype must say what a product of {} becomes: 0 f32, 1 f16 or 27 bf16", DTypeName(b.Raw("x1").dtype()));
    default: FailNotSupported("y_dtype {} (only 0 f32, 1 f16, 27 bf16 and 28, as x1)", number);
  }
}

void OutProduct(Body& b, TurnedBy turned) {
  const DType x1 = b.Raw("x1").dtype(), x2 = b.Raw("x2").dtype();
  const bool quantised = !IsFloat(x1);
  if (quantised == IsFloat(x2)) FailNotSupported("x1 in {} with x2 in {}", DTypeName(x1), DTypeName(x2));
  if (!quantised && (b.Has("x1_scale") || b.Has("x2_scale"))) FailNotSupported("scales beside {}", DTypeName(x1));
  const DType dtype = ResultType(b, quantised);
  b.OutAs("y", quantised ? QuantisedProduct(b, turned) : FloatProduct(b, turned), dtype);
}

// What went through the collective, where it is asked for; else nothing.
void OutGathered(Body& b, const char* output, const Tensor& gathered, bool wanted) {
  b.OutRaw(output, wanted ? gathered : Full(b.builder(), {Dim(0)}, gathered.dtype(), 0));
}

void OutAllGathered(Body& b) {
  const int64_t index = b.Int("gather_index");
  if (index != 0 && index != 1) Fail("gather_index is {}, but must be 0 (x1) or 1 (x2)", index);
  OutGathered(b, "gather_out", b.Raw(index == 0 ? "x1" : "x2"), b.Bool("is_gather_out"));
}

// What the second versions of the operators add.
void OutScaledOnly(Body& b) {
  if (b.Has("quant_scale")) FailNotSupported("input quant_scale");
  if (b.Int("block_size") != 0) FailNotSupported("block_size {} (only 0)", b.Int("block_size"));
  if (b.Bool("is_amax_out")) FailNotSupported("is_amax_out true");
  OutProduct(b, kIsTrans);
  b.OutRaw("amax_out", Full(b.builder(), {Dim(0)}, DType::kF32, 0));
}

void CheckAllToAll(const Body& b) {
  CheckAlone();
  CheckRankCount(b, "world_size");
  NormalizeAxes(b.Ints("all2all_axes"), 2, "all2all_axes");
  for (const char* input : {"comm_scale", "x1_offset", "x2_offset"}) {
    if (b.Has(input)) FailNotSupported("input {}", input);
  }
  if (b.Int("comm_quant_mode") != 0) FailNotSupported("comm_quant_mode {} (only 0)", b.Int("comm_quant_mode"));
  for (const auto& [mode, scale] : {std::pair("x1_quant_mode", "x1_scale"), std::pair("x2_quant_mode", "x2_scale")}) {
    if (b.Int(mode) != 0 && !b.Has(scale)) {
      FailNotSupported("{} {} without {}: operands that the operator quantises", mode, b.Int(mode), scale);
    }
  }
}

std::vector<DType> FloatsAnd(std::vector<DType> dtypes) {
  dtypes.insert(dtypes.begin(), kFloats.begin(), kFloats.end());
  return dtypes;
}

}  // namespace

BELAY_OP(AllGatherMatmul) {
  op.Dtypes("x1", kFloats).Dtypes("x2", kFloats).Computes([](Body& b) {
    CheckRankSize(b);
    b.OutAs("y", FloatProduct(b, kIsTrans), b.Raw("x1").dtype());
    OutAllGathered(b);
  });
}

BELAY_OP(MatmulReduceScatter) {
  op.Dtypes("x1", kFloats).Dtypes("x2", kFloats).Computes([](Body& b) {
    CheckRankSize(b);
    CheckReduction(b, "reduce_op");
    b.OutAs("y", FloatProduct(b, kIsTrans), b.Raw("x1").dtype());
  });
}

BELAY_OP(AllGatherMatmulV2) {
  const std::vector<DType> dtypes = FloatsAnd({DType::kI8, DType::kF8E5M2, DType::kF8E4M3});
  op.Dtypes("x1", dtypes).Dtypes("x2", dtypes).Computes([](Body& b) {
    CheckRankSize(b);
    OutScaledOnly(b);
    OutAllGathered(b);
  });
}

BELAY_OP(MatmulReduceScatterV2) {
  const std::vector<DType> dtypes = FloatsAnd({DType::kI8, DType::kF8E5M2, DType::kF8E4M3});
  op.Dtypes("x1", dtypes).Dtypes("x2", dtypes).Computes([](Body& b) {
    CheckRankSize(b);
    CheckReduction(b, "reduce_op");
    OutScaledOnly(b);
  });
}

BELAY_OP(AlltoAllMatmul) {
  const std::vector<DType> dtypes = FloatsAnd({DType::kF8E5M2, DType::kF8E4M3, DType::kF4E2M1});
  op.Dtypes("x1", dtypes).Dtypes("x2", dtypes).Computes([](Body& b) {
    CheckAllToAll(b);
    OutProduct(b, kTranspose);
    OutGathered(b, "all2all_out", b.Raw("x1"), b.Bool("alltoall_out_flag"));
  });
}

BELAY_OP(MatmulAlltoAll) {
  const std::vector<DType> dtypes = FloatsAnd({DType::kF8E5M2, DType::kF8E4M3, DType::kF4E2M1});
  op.Dtypes("x1", dtypes).Dtypes("x2", dtypes).Computes([](Body& b) {
    CheckAllToAll(b);
    OutProduct(b, kTranspose);
  });
}

}  // namespace belay
