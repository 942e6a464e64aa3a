// The last pass over a pair of rows, written beside the costliest pass over the next pair. What it needs of its own
// rows goes from pair to pair: what reductions found, and kept values in the other half of their memory.
#include <algorithm>

#include "backend/cpu/build_emit.h"
#include "backend/cpu/loop_plan.h"

namespace belay {

using llvm::Value;
using State = LoopEmitter::State;

namespace {

bool IsReductionOf(const LoopExpr& e, const LoopExpr* pass, int var) {
  return e.kind == LoopExpr::Kind::kReduce && e.args[0] == pass && e.vars == std::vector<int>{var};
}

}  // namespace

// Where the leaf needs nothing but kept values and what reductions found.
void LoopEmitter::DelayLeaf(const LoopExpr* root, int lane, std::function<void()> leaf) {
  const Dim& extent = p_.extents[lane];
  if (!past_caches_ || !extent.IsConst() || extent.value() % (kUnroll * LanesFor(lane)) != 0) return;
  const std::vector<const LoopExpr*> all = ReachableExprs(root);
  const bool found = std::any_of(all.begin(), all.end(), [&](const LoopExpr* e) {
    return IsReductionOf(*e, costliest_pass_, lane) && OwnLaneVar(e) == lane;
  });
  if (!found) return;
  Delay delay;
  std::vector<const LoopExpr*> todo = {root};
  for (size_t k = 0; k < todo.size(); ++k) {
    const LoopExpr* e = todo[k];
    if (kept_.count(e) || e->kind == LoopExpr::Kind::kConst) continue;
    if (e->kind == LoopExpr::Kind::kReduce) delay.results.push_back(e);
    else if (e->kind != LoopExpr::Kind::kMap) return;
    if (e->kind == LoopExpr::Kind::kReduce) continue;
    if (HasReciprocal(e) && (e->args[1]->used >> lane & 1) == 0) delay.divisors.push_back(e->args[1]);
    for (const LoopExpr* a : e->args) {
      if (std::find(todo.begin(), todo.end(), a) == todo.end()) todo.push_back(a);
    }
  }
  delay.leaf = std::move(leaf);
  delay_ = std::move(delay);
  has_delayed_ = true;
}

// What the first pair gets: nothing waits.
State LoopEmitter::BeginDelay(Value* first, Value* end) {
  if (!delay_) return {};
  delay_->first = first;
  delay_->end = end;
  State state = {f_.b.getFalse()};
  for (const auto* exprs : {&delay_->results, &delay_->divisors}) {
    for (const LoopExpr* e : *exprs) {
      for (int copy = 0; copy < 2; ++copy)
        state.push_back(llvm::Constant::getNullValue(RegisterType(e_, e->dtype, 1)));
    }
  }
  return state;
}

void LoopEmitter::BeginPair(llvm::ArrayRef<Value*> carried) {
  if (!delay_) return;
  delay_->waits = carried[0];
  const auto pairs = static_cast<size_t>(carried.size() / 2), results = delay_->results.size();
  for (int copy : {0, 1}) {
    State all;
    for (size_t k = 0; k < pairs; ++k) all.push_back(carried[1 + 2 * k + static_cast<size_t>(copy)]);
    delay_->results_of[copy].assign(all.begin(), all.begin() + results);
    delay_->reciprocals_of[copy].assign(all.begin() + results, all.end());
  }
  kept_set_ = KeptSet(false);
}

// Pairs take turns with two halves.
Value* LoopEmitter::KeptSet(bool before) {
  auto& b = f_.b;
  Value* number = b.CreateSub(pair_[0], delay_->first);
  if (before) number = b.CreateXor(number, f_.Int(2));
  return b.CreateMul(b.CreateAnd(number, f_.Int(2)), f_.DimValue(kept_bytes_));
}

// The last pair cannot wait, nor can rows that have to be divided in the long way.
void LoopEmitter::UnlessDelayed(const std::function<void()>& pass) {
  if (!delay_ || pair_var_ < 0) return pass();
  auto& b = f_.b;
  Value* wait = b.CreateICmpSLT(b.CreateAdd(pair_[0], f_.Int(2)), delay_->end);
  for (const LoopExpr* divisor : delay_->divisors) {
    for (int copy : {0, 1}) {
      SetCopy(copy);
      wait = b.CreateAnd(wait, IsNormal(FindReciprocal(divisor)));
    }
  }
  SetCopy(0);
  delay_->will_wait = wait;
  f_.If(b.CreateNot(wait), {}, [&] {
    pass();
    return State{};
  });
}

State LoopEmitter::EndPair() {
  if (!delay_) return {};
  State next = {delay_->will_wait};
  for (const LoopExpr* e : delay_->results) {
    for (int copy : {0, 1}) {
      SetCopy(copy);
      next.push_back(Get(e));
    }
  }
  for (const LoopExpr* e : delay_->divisors) {
    for (int copy : {0, 1}) {
      SetCopy(copy);
      next.push_back(FindReciprocal(e));
    }
  }
  kept_set_ = nullptr;
  return next;
}

// The leaf of the pair before, at the lanes of `pass`.
void LoopEmitter::EmitDelayed(const LoopExpr* pass) {
  if (!delay_ || pair_var_ < 0 || pass != costliest_pass_) return;
  auto& b = f_.b;
  f_.If(delay_->waits, {}, [&] {
    Value *here[] = {pair_[0], pair_[1]}, *set = kept_set_;
    PushScope(VarSet{1} << pair_var_);
    for (int copy : {0, 1}) {
      for (size_t k = 0; k < delay_->results.size(); ++k)
        scopes_.back().values[copy][delay_->results[k]] = delay_->results_of[copy][k];
      for (size_t k = 0; k < delay_->divisors.size(); ++k)
        scopes_.back().reciprocals[copy][delay_->divisors[k]] = delay_->reciprocals_of[copy][k];
    }
    kept_set_ = KeptSet(true);
    for (Value*& at : pair_) at = b.CreateSub(at, f_.Int(2));
    delay_->is_emitted = true;
    ForCopies(delay_->leaf);
    delay_->is_emitted = false;
    PopScope();
    std::copy(here, here + 2, pair_);
    kept_set_ = set;
    SetCopy(0);
    return State{};
  });
}

}  // namespace belay
