// Reductions inside loop expressions. Along the lanes of the surrounding loop a reduction is
// vertical: its loops are scalar and its state a vector. Otherwise it takes lanes of its own and
// folds them at the end. The order of every sum follows the shape alone.
#include <llvm/IR/Intrinsics.h>

#include <algorithm>

#include "backend/cpu/build_emit.h"

namespace belay {

using llvm::Value;
using State = LoopEmitter::State;
namespace Intr = llvm::Intrinsic;

namespace {

constexpr int64_t kSumBlock = 128;  // additions in a row to one accumulator

bool IsArg(const LoopExpr* r) {
  return r->reduce == ReduceKind::kArgMax || r->reduce == ReduceKind::kArgMin;
}
bool IsFloatSum(const LoopExpr* r) { return r->reduce == ReduceKind::kSum && IsFloat(r->dtype); }
// Halves accumulate in f32 and are rounded once.
DType AccType(const LoopExpr* r) {
  DType d = IsArg(r) ? r->args[0]->dtype : r->dtype;
  return IsHalf(d) ? DType::kF32 : d;
}

}  // namespace

State LoopEmitter::Identity(const LoopExpr* r, int lanes) {
  State one;
  if (IsArg(r)) {
    llvm::Type* index = RegisterType(e_, DType::kI64, lanes);
    one = {llvm::Constant::getNullValue(RegisterType(e_, AccType(r), lanes)),
           IntConstant(index, -1)};
  } else {
    one = {ReduceIdentity(e_, r->reduce, AccType(r), lanes)};
  }
  State all = one;
  if (IsPaired(r)) all.insert(all.end(), one.begin(), one.end());
  return all;
}

State LoopEmitter::Combine(const LoopExpr* r, const State& a, const State& b) {
  State all;
  const size_t width = IsArg(r) ? 2 : 1;
  for (size_t k = 0; k < a.size(); k += width) {
    State x(a.begin() + k, a.begin() + k + width), y(b.begin() + k, b.begin() + k + width);
    for (Value* v : CombineOne(r, x, y)) all.push_back(v);
  }
  return all;
}

State LoopEmitter::CombineOne(const LoopExpr* r, const State& a, const State& b) {
  if (IsArg(r)) return CombineArg(r, a, b);
  return {EmitReduceStep(e_, r->reduce, AccType(r), a[0], b[0])};
}

// The better of two (value, index) pairs; index -1 is none. NaN is better than any number.
State LoopEmitter::CombineArg(const LoopExpr* r, const State& a, const State& b) {
  auto& ib = f_.b;
  DType d = AccType(r);
  ScalarOp better = r->reduce == ReduceKind::kArgMax ? ScalarOp::kGt : ScalarOp::kLt;
  Value* wins = EmitScalarOp(e_, better, d, DType::kBool, {b[0], a[0]});
  Value* equal = EmitScalarOp(e_, ScalarOp::kEq, d, DType::kBool, {b[0], a[0]});
  if (IsFloat(d)) {
    Value* nan_a = ib.CreateFCmpUNO(a[0], a[0]);
    Value* nan_b = ib.CreateFCmpUNO(b[0], b[0]);
    wins = ib.CreateOr(ib.CreateAnd(wins, ib.CreateNot(nan_a)),
                       ib.CreateAnd(nan_b, ib.CreateNot(nan_a)));
    equal = ib.CreateOr(equal, ib.CreateAnd(nan_a, nan_b));
  }
  Value* nearer = r->select_last ? ib.CreateICmpSGT(b[1], a[1]) : ib.CreateICmpSLT(b[1], a[1]);
  wins = ib.CreateOr(wins, ib.CreateAnd(equal, nearer));
  Value* zero = llvm::Constant::getNullValue(a[1]->getType());
  Value* take =
      ib.CreateAnd(ib.CreateICmpSGE(b[1], zero), ib.CreateOr(ib.CreateICmpSLT(a[1], zero), wins));
  return {ib.CreateSelect(take, b[0], a[0]), ib.CreateSelect(take, b[1], a[1])};
}

// sum + a * b rounded once; nullptr where that is not what the reduction does.
Value* LoopEmitter::AddProduct(const LoopExpr* r, const LoopExpr* operand, Value* sum) {
  bool product = operand->kind == LoopExpr::Kind::kMap && operand->scalar == ScalarOp::kMul;
  bool wide = operand->dtype == DType::kF32 || operand->dtype == DType::kF64;
  if (!IsFloatSum(r) || !product || !wide || operand->dtype != AccType(r) || !f_.row.fma) return nullptr;
  if (Find(operand) || kept_.count(operand)) return nullptr;
  Value *a = Get(operand->args[0]), *b = Get(operand->args[1]);
  if (IsVector(sum)) {
    a = Wide(a);
    b = Wide(b);
  } else if (IsVector(a) || IsVector(b)) {
    return nullptr;
  }
  return f_.b.CreateIntrinsic(sum->getType(), Intr::fma, {a, b, sum});
}

State LoopEmitter::Step(const LoopExpr* r, State state) {
  if (!IsPaired(r)) return StepOne(r, state);
  State all;
  const size_t width = state.size() / 2;
  for (int copy : {0, 1}) {
    SetCopy(copy);
    for (Value* v : StepOne(r, State(state.begin() + copy * width, state.begin() + (copy + 1) * width)))
      all.push_back(v);
  }
  EmitDelayed(r->args[0]);
  PrefetchPair(r->args[0]);
  return all;
}

// One point: the operand joined to the state, unless a guard says that there is none.
State LoopEmitter::StepOne(const LoopExpr* r, State state) {
  const LoopExpr* operand = r->args[0];
  Conditions conditions;
  if (operand->kind == LoopExpr::Kind::kGuard && operand->args.size() == 1) {
    conditions = EmitConditions(operand->conditions);
    operand = operand->args[0];
  }
  bool wide = IsVector(state[0]);
  auto update = [&]() -> State {
    LaneState saved = lane_;
    if (conditions.lanes) {
      lane_.mask = AndMask(lane_.mask, conditions.lanes);
      lane_.may_be_empty = true;
    }
    PushScope();
    bool guarded = conditions.lanes || conditions.uniform;
    guarded_ += guarded;
    if (Value* sum = lane_.mask ? nullptr : AddProduct(r, operand, state[0])) {
      guarded_ -= guarded;
      PopScope();
      lane_ = saved;
      return {sum};
    }
    State next = {Get(operand)};
    guarded_ -= guarded;
    if (IsArg(r)) next.push_back(EmitIndex(r->hit, Varies(p_.VarsOf(r->hit))));
    PopScope();
    if (wide) {
      State identity = Identity(r, lane_.lanes);  // the first of a pair
      for (size_t k = 0; k < next.size(); ++k) {
        next[k] = Wide(next[k]);
        if (lane_.mask) next[k] = f_.b.CreateSelect(Wide(lane_.mask), next[k], identity[k]);
      }
    }
    lane_ = saved;
    return CombineOne(r, state, next);
  };
  if (!conditions.uniform) return update();
  return f_.If(conditions.uniform, state, update);
}

// Sums of many floats go by blocks, each from zero, so that no accumulator grows far beyond its
// terms.
State LoopEmitter::SweepBlocks(const LoopExpr* r, int64_t block, Value* extent, State state,
                               const std::function<State(Value*, Value*, State)>& inner) {
  auto* known = llvm::dyn_cast<llvm::ConstantInt>(extent);
  if (!IsFloatSum(r) || (known && known->getSExtValue() <= block))
    return inner(f_.Int(0), extent, state);
  int lanes = IsVector(state[0]) ? lane_.lanes : 1;
  if (auto* v = llvm::dyn_cast<llvm::FixedVectorType>(state[0]->getType()))
    lanes = v->getNumElements();
  return f_.Loop(f_.Int(0), extent, block, state, [&](Value* lo, llvm::ArrayRef<Value*> carried) {
    Value* hi = f_.b.CreateBinaryIntrinsic(Intr::smin, f_.b.CreateAdd(lo, f_.Int(block)), extent);
    State part = inner(lo, hi, Identity(r, lanes));
    return Combine(r, State(carried.begin(), carried.end()), part);
  });
}

State LoopEmitter::WithVar(int var, Value* i, const std::function<State()>& body) {
  PushScope();
  BindVar(var, i);
  State state = body();
  PopScope();
  bound_ &= ~(VarSet{1} << var);
  return state;
}

State LoopEmitter::Sweep(const LoopExpr* r, const std::vector<int>& order, size_t level,
                         State state) {
  if (level == order.size()) return Step(r, state);
  int var = order[level];
  Value* extent = f_.DimValue(p_.extents[var]);
  if (lane_.var == var) {
    return SweepBlocks(
        r, kSumBlock * kUnroll * lane_.lanes, extent, state,
        [&](Value* lo, Value* hi, State s) { return SweepLanes(r, var, lo, hi, s); });
  }
  const auto at = [&](Value* i, State s) {
    return WithVar(var, i, [&] { return Sweep(r, order, level + 1, std::move(s)); });
  };
  const bool several = level + 1 == order.size() && HasShortSteps(r, var);
  return SweepBlocks(r, kSumBlock, extent, state, [&](Value* lo, Value* hi, State s) {
    if (several) s = SweepSeveral(r, 1, &lo, hi, s, at);
    return f_.Loop(lo, hi, 1, s, [&](Value* i, llvm::ArrayRef<Value*> carried) { return at(i, carried.vec()); });
  });
}

// A sum of lone loads waits for its last addition with each of them.
bool LoopEmitter::HasShortSteps(const LoopExpr* r, int var) const {
  const LoopExpr* operand = r->args[0];
  while (operand->kind == LoopExpr::Kind::kMap && operand->args.size() == 1 && operand->scalar == ScalarOp::kCast) {
    operand = operand->args[0];
  }
  const Dim& extent = p_.extents[var];
  return operand->kind == LoopExpr::Kind::kLoad && !IsPaired(r) && (!extent.IsConst() || extent.value() >= 2 * kUnroll);
}

// Whole runs of kUnroll steps from *lo on, each with its own accumulator; *lo becomes their end.
State LoopEmitter::SweepSeveral(const LoopExpr* r, int64_t step, Value** lo, Value* hi, State state,
                                const std::function<State(Value*, State)>& at) {
  auto& b = f_.b;
  const size_t width = state.size();
  const int lanes = IsVector(state[0]) ? lane_.lanes : 1;
  Value* runs = b.CreateSDiv(b.CreateSub(hi, *lo), f_.Int(kUnroll * step));
  Value* end = b.CreateAdd(*lo, b.CreateMul(runs, f_.Int(kUnroll * step)));
  for (int u = 1; u < kUnroll; ++u) {
    for (Value* v : Identity(r, lanes)) state.push_back(v);
  }
  state = f_.Loop(*lo, end, kUnroll * step, state, [&](Value* i, llvm::ArrayRef<Value*> carried) {
    State next;
    for (int u = 0; u < kUnroll; ++u) {
      State s(carried.begin() + u * width, carried.begin() + (u + 1) * width);
      for (Value* v : at(b.CreateAdd(i, f_.Int(u * step)), s)) next.push_back(v);
    }
    return next;
  });
  *lo = end;
  for (int n = kUnroll / 2; n > 0; n /= 2) {
    State folded;
    for (int u = 0; u < n; ++u) {
      State x(state.begin() + u * width, state.begin() + (u + 1) * width);
      State y(state.begin() + (u + n) * width, state.begin() + (u + n + 1) * width);
      for (Value* v : Combine(r, x, y)) folded.push_back(v);
    }
    state = folded;
  }
  return state;
}

// Lanes along `var`: several accumulators over the whole vectors, then the rest.
State LoopEmitter::SweepLanes(const LoopExpr* r, int var, Value* lo, Value* hi, State state) {
  LaneState lane = lane_;
  int64_t step = int64_t{kUnroll} * lane.lanes;
  const auto at = [&](Value* i, State s) { return WithVar(var, i, [&] { return Step(r, std::move(s)); }); };
  const Dim& extent = p_.extents[var];
  if (!extent.IsConst() || extent.value() >= step) {
    state = SweepSeveral(r, lane.lanes, &lo, hi, state, at);
    if (extent.IsConst() && extent.value() % step == 0) return state;
  }
  return SweepRest(r, var, lo, hi, state);
}

State LoopEmitter::SweepRest(const LoopExpr* r, int var, Value* lo, Value* hi, State state) {
  auto& b = f_.b;
  LaneState lane = lane_;
  const auto step_at = [&](Value* i, State s) { return WithVar(var, i, [&] { return Step(r, std::move(s)); }); };
  if (mask_tails_) {
    return f_.Loop(lo, hi, lane.lanes, state, [&](Value* i, llvm::ArrayRef<Value*> carried) {
      Value* left = b.CreateBinaryIntrinsic(Intr::smin, b.CreateSub(hi, i), f_.Int(lane.lanes));
      lane_.mask = TailMask(left);
      State next = step_at(i, State(carried.begin(), carried.end()));
      lane_ = lane;
      return next;
    });
  }
  Value* whole = b.CreateAdd(lo, b.CreateAnd(b.CreateSub(hi, lo), f_.Int(-lane.lanes)));
  state = f_.Loop(lo, whole, lane.lanes, state, [&](Value* i, llvm::ArrayRef<Value*> carried) {
    return step_at(i, State(carried.begin(), carried.end()));
  });
  lane_ = {};
  State last = f_.Loop(whole, hi, 1, Identity(r, 1), [&](Value* i, llvm::ArrayRef<Value*> carried) {
    return step_at(i, State(carried.begin(), carried.end()));
  });
  lane_ = lane;
  State spread = Identity(r, lane.lanes);
  for (size_t k = 0; k < last.size(); ++k)
    spread[k] = b.CreateInsertElement(spread[k], last[k], uint64_t{0});
  return Combine(r, state, spread);
}

Value* LoopEmitter::ReduceLanes(const LoopExpr* r, State state) {
  auto& b = f_.b;
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(state[0]->getType());
  int lanes = vector ? static_cast<int>(vector->getNumElements()) : 1;
  for (int n = lanes; n > 1; n /= 2) {
    llvm::SmallVector<int, 64> low, high;
    for (int i = 0; i < n / 2; ++i) {
      low.push_back(i);
      high.push_back(i + n / 2);
    }
    State x, y;
    for (Value* v : state) {
      x.push_back(b.CreateShuffleVector(v, low));
      y.push_back(b.CreateShuffleVector(v, high));
    }
    state = Combine(r, x, y);
  }
  Value* result = state.back();
  return result->getType()->isVectorTy() ? b.CreateExtractElement(result, uint64_t{0}) : result;
}

int LoopEmitter::OwnLaneVar(const LoopExpr* r) const {
  int best = -1, best_score = 0;
  for (int v : r->vars) {
    const Dim& extent = p_.extents[v];
    if (extent.IsConst() && extent.value() < 4) continue;
    int score = LaneScore(r->args[0], v);
    if (score > best_score || (score == best_score && score > 0)) {
      best = v;
      best_score = score;
    }
  }
  return best;
}

Value* LoopEmitter::EmitReduce(const LoopExpr* r) {
  LaneState saved = lane_;
  VarSet bound = bound_, own = 0;
  std::vector<Value*> vars = vars_;
  std::vector<int> depths = depth_;
  for (int v : r->vars) own |= VarSet{1} << v;
  bool vertical = Varies(r->used);
  std::vector<int> order = r->vars;
  if (!vertical) {
    lane_ = {};
    int var = OwnLaneVar(r);
    if (var >= 0 && LanesFor(var) > 1) {
      lane_ = {var, LanesFor(var), nullptr, false};
      std::erase(order, var);
      order.push_back(var);
    }
  }
  const bool paired = IsPaired(r);
  const int copy = copy_;
  PushScope(own);
  bound_ &= ~own;
  const LoopExpr* outer_sweep = sweep_;
  sweep_ = guarded_ == 0 && (kept_columns_ & ~own) == 0 ? r : nullptr;
  State state = Sweep(r, order, 0, Identity(r, lane_.lanes));
  sweep_ = outer_sweep;
  PopScope();
  for (auto& [expr, kept] : kept_) {
    if (kept.sweep == r) scopes_.back().filled.push_back(expr);
    if (kept.sweep == r) kept.sweep = nullptr;
  }
  std::vector<Value*> results;
  const size_t width = paired ? state.size() / 2 : state.size();
  for (size_t k = 0; k < state.size(); k += width) {
    State one(state.begin() + k, state.begin() + k + width);
    Value* result = vertical ? one.back() : ReduceLanes(r, one);
    results.push_back(IsArg(r) ? result : RoundToHalf(e_, r->dtype, result));
  }
  lane_ = saved;
  bound_ = bound;
  vars_ = vars;
  depth_ = depths;
  if (!paired) return results[0];
  SetCopy(copy);
  scopes_.back().values[1 - copy][r] = results[1 - copy];
  return results[copy];
}

}  // namespace belay
