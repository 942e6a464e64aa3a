// Values kept between the passes over a row: softmax computes each exponential once.
#include <algorithm>

#include "backend/cpu/build_emit.h"
#include "backend/cpu/loop_plan.h"

namespace belay {

using llvm::Value;

namespace {

constexpr double kWorthKeeping = 0.15;  // ns of an element; cheaper values are computed again
constexpr int64_t kMostBytes = 1 << 20;

using Exprs = std::vector<const LoopExpr*>;

// What one pass computes: everything below `root` short of reductions and of what it finds kept.
Exprs OnePass(const LoopExpr* root, const Exprs& kept = {}) {
  Exprs all = {root};
  for (size_t k = 0; k < all.size(); ++k) {
    if (all[k]->kind == LoopExpr::Kind::kReduce) continue;
    if (std::find(kept.begin(), kept.end(), all[k]) != kept.end()) continue;
    for (const LoopExpr* a : all[k]->args) {
      if (std::find(all.begin(), all.end(), a) == all.end()) all.push_back(a);
    }
  }
  return all;
}

double CostOfPass(const LoopExpr* root, const Exprs& kept = {}) {
  double ns = 0;
  for (const LoopExpr* e : OnePass(root, kept)) {
    const bool is_kept = std::find(kept.begin(), kept.end(), e) != kept.end();
    if (e->kind == LoopExpr::Kind::kMap && !is_kept) ns += ScalarOpCost(e->scalar, e->dtype);
  }
  return ns;
}

// A nest's root, and the operands of its reductions.
Exprs Passes(const LoopExpr* root) {
  Exprs roots = {root};
  for (const LoopExpr* e : ReachableExprs(root)) {
    if (e->kind == LoopExpr::Kind::kReduce) roots.push_back(e->args[0]);
  }
  return roots;
}

// Costly values that more than one pass computes, and of those only what a pass needs for something else: not the
// exponential, if all passes take what was selected out of it.
Exprs WorthKeeping(const LoopExpr* root, VarSet columns) {
  const Exprs roots = Passes(root);
  std::unordered_map<const LoopExpr*, int> passes;
  for (const LoopExpr* pass : roots) {
    for (const LoopExpr* e : OnePass(pass)) ++passes[e];
  }
  auto shared = [&](const LoopExpr* e) {
    return passes[e] > 1 && e->kind == LoopExpr::Kind::kMap && e->dtype != DType::kBool &&
           (e->used & columns) && CostOfPass(e) >= kWorthKeeping;
  };
  Exprs found;
  auto keep = [&](const LoopExpr* e) {
    if (shared(e) && std::find(found.begin(), found.end(), e) == found.end()) found.push_back(e);
  };
  for (const LoopExpr* pass : roots) {
    keep(pass);
    for (const LoopExpr* e : OnePass(pass)) {
      if (e->kind == LoopExpr::Kind::kReduce || shared(e)) continue;
      for (const LoopExpr* a : e->args) keep(a);
    }
  }
  return found;
}

// The last pass finds what others keep.
const LoopExpr* CostliestPass(const LoopExpr* root, const Exprs& kept) {
  const Exprs passes = Passes(root);
  const auto cost = [&](const LoopExpr* pass) { return CostOfPass(pass, pass == root ? kept : Exprs()); };
  return *std::max_element(passes.begin(), passes.end(), [&](auto* a, auto* b) { return cost(a) < cost(b); });
}

}  // namespace

void LoopEmitter::KeepCostlyValues(const LoopExpr* root, const std::vector<int>& columns,
                                   int lane) {
  kept_.clear();
  kept_columns_ = 0;
  costliest_pass_ = CostliestPass(root, {});
  Shape extents;
  std::vector<Dim> coords;
  for (int v : columns) {
    kept_columns_ |= VarSet{1} << v;
    extents.push_back(p_.extents[v]);
    coords.push_back(LoopVar(v));
  }
  bool across = lane >= 0 && (kept_columns_ >> lane & 1) == 0;
  if (columns.empty() || (lane >= 0 && !across && lane != columns.back())) return;
  const Exprs found = WorthKeeping(root, kept_columns_);
  kept_last_ = columns.back();
  kept_index_ = CoordsToLinear(coords, extents);
  int lanes = across ? LanesFor(lane) : 1;
  // Lanes may write a whole vector at the end of the row.
  Dim bytes = (NumElements(extents) + Dim(64)) * Dim(lanes * 8);
  kept_bytes_ = bytes;
  if (found.empty() || (bytes.IsConst() && bytes.value() > kMostBytes)) return;
  costliest_pass_ = CostliestPass(root, found);
  auto& b = f_.b;
  auto* type = llvm::FunctionType::get(b.getPtrTy(), {b.getInt64Ty()}, false);
  const int64_t copies = past_caches_ ? 4 : 2;
  Dim total = bytes * Dim(copies * static_cast<int64_t>(found.size()));
  Value* memory = b.CreateCall(f_.Runtime("belay_scratch", type), {f_.DimValue(total)});
  for (size_t k = 0; k < found.size(); ++k) {
    Value* offset = b.CreateMul(f_.DimValue(bytes), f_.Int(copies * static_cast<int64_t>(k)));
    kept_[found[k]] = {b.CreateGEP(b.getInt8Ty(), memory, offset), nullptr};
  }
}

bool LoopEmitter::IsFilled(const LoopExpr* expr) const {
  for (const Scope& s : scopes_) {
    if (std::find(s.filled.begin(), s.filled.end(), expr) != s.filled.end()) return true;
  }
  return false;
}

// Rows lie element by element; with lanes across rows, vector by vector.
Value* LoopEmitter::KeptPointer(const Kept& kept, DType dtype, int copy) {
  auto& b = f_.b;
  Value* index = ScalarIndex(kept_index_);
  bool across = lane_.lanes > 1 && (kept_columns_ >> lane_.var & 1) == 0;
  if (across) index = b.CreateMul(index, f_.Int(lane_.lanes));
  Value* base = kept.base;
  if (copy > 0) base = b.CreateGEP(b.getInt8Ty(), base, f_.DimValue(kept_bytes_));
  if (kept_set_) base = b.CreateGEP(b.getInt8Ty(), base, kept_set_);
  return b.CreateGEP(RegisterType(e_, dtype, 1), base, index);
}

Value* LoopEmitter::EmitKept(const LoopExpr* expr, Kept* kept) {
  auto& b = f_.b;
  llvm::Type* type = RegisterType(e_, expr->dtype, lane_.lanes);
  llvm::Align align(type->getScalarSizeInBits() / 8);
  // All columns have a value here, and lanes lie side by side.
  bool within =
      (kept_columns_ & ~bound_) == 0 &&
      (lane_.lanes == 1 || (kept_columns_ >> lane_.var & 1) == 0 || lane_.var == kept_last_);
  if (within && (IsFilled(expr) || (delay_ && delay_->is_emitted))) {
    return b.CreateAlignedLoad(type, KeptPointer(*kept, expr->dtype, CopyOf(expr)), align);
  }
  bool may_fill = sweep_ != nullptr && guarded_ == 0 && (!kept->sweep || kept->sweep == sweep_);
  bool fills = within && may_fill && !IsFilled(expr);
  Value* value = Emit(expr);
  if (fills) {
    kept->sweep = sweep_;
    value = Wide(value);
    b.CreateAlignedStore(value, KeptPointer(*kept, expr->dtype, CopyOf(expr)), align);
  }
  return value;
}

}  // namespace belay
