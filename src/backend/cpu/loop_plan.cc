#include "backend/cpu/loop_plan.h"

#include <algorithm>

#include "backend/cpu/scalar.h"

namespace belay {
namespace {

constexpr int64_t kPairedRow = 2048;     // points of the longest row that is worked on beside the next
constexpr int64_t kTile = 64;            // side of a transposition's blocks

double PointCost(const LoopExpr& e) {
  switch (e.kind) {
    case LoopExpr::Kind::kLoad: return 0.015 * BitWidth(e.dtype) / 8;
    case LoopExpr::Kind::kMap: return ScalarOpCost(e.scalar, e.args.back()->dtype);
    case LoopExpr::Kind::kConst: return 0;
    case LoopExpr::Kind::kReduce: return 0.02;
    default: return 0.1;
  }
}

// The variable whose loads walk memory while the lanes jump, if there is one: a transposition.
int TransposedVar(const LoopProgram& p, const LoopNest& nest, int lane) {
  for (const LoopExpr* e : ReachableExprs(nest.root)) {
    if (e->kind != LoopExpr::Kind::kLoad || (e->used >> lane & 1) == 0) continue;
    auto at_lane = LinearIn(p, e->index, lane);
    if (at_lane && at_lane->coefficient.IsConst(1)) continue;
    for (int v : nest.vars) {
      if (v == lane || (e->used >> v & 1) == 0) continue;
      auto at_v = LinearIn(p, e->index, v);
      if (at_v && at_v->coefficient.IsConst(1)) return v;
    }
  }
  return -1;
}

bool IsTiny(const Dim& extent) { return extent.IsConst() && extent.value() < 4; }

// The variable too short for lanes along which results lie side by side, if the lanes' do not: colours of pixels. It
// belongs inside the lanes, so that a line of memory is written at once and by one thread.
int PackedVar(const LoopProgram& p, const LoopNest& nest, int lane) {
  for (int v : nest.vars) {
    auto store = LinearIn(p, nest.store, v);
    if (v != lane && IsTiny(p.extents[v]) && store && store->coefficient.IsConst(1)) return v;
  }
  return -1;
}

// Whether two rows are worked on at once: where reductions lie within rows, the end of each sum is a chain of additions
// that a lone short row waits for.
bool PairsRows(const LoopProgram& p, const LoopPlan& plan, const std::vector<int>& reduced, const Dim& row) {
  const int k = plan.parallel - 1, var = plan.order[k];
  bool several = !plan.blocks[k].IsConst() || plan.blocks[k].value() > 1;
  bool is_short = !row.IsConst() || row.value() <= kPairedRow;
  bool inside = plan.lane != var && std::find(reduced.begin(), reduced.end(), var) == reduced.end();
  for (int j = 0; j < k; ++j) inside = inside && plan.order[j] != plan.lane;
  return several && is_short && inside && !p.extents[var].IsConst(1);
}

// So that only the last block may have a row without another.
void EvenBlocks(const LoopProgram& p, LoopPlan* plan) {
  const size_t k = static_cast<size_t>(plan->parallel) - 1;
  const Dim& extent = p.extents[plan->order[k]];
  if (!plan->blocks[k].IsConst() || plan->blocks[k].value() % 2 == 0 || plan->blocks[k] == extent) return;
  plan->blocks[k] = plan->blocks[k].value() - 1;
  plan->counts[k] = CeilDiv(extent, plan->blocks[k]);
  plan->chunks = 1;
  for (const Dim& count : plan->counts) plan->chunks = plan->chunks * count;
}

}  // namespace

void CutBlocks(const LoopProgram& p, LoopPlan* plan, const Dim& inner_work, int64_t tile, int64_t chunk_points) {
  Dim budget = Max(FloorDiv(chunk_points, Max(inner_work, 1)), 1);
  plan->blocks.assign(plan->order.size(), Dim());
  plan->counts.assign(plan->parallel, Dim());
  for (int k = plan->parallel; k-- > 0;) {
    const Dim& extent = p.extents[plan->order[k]];
    bool is_lane = plan->order[k] == plan->lane;
    Dim share = tile > 0 && k >= plan->parallel - 2 ? Dim(tile) : tile > 0 ? Dim(1) : budget;
    // Whole vectors of any machine.
    if (is_lane) share = CeilDiv(share, 64) * Dim(64);
    Dim block = Max(Min(extent, share), 1);
    plan->blocks[k] = block;
    plan->counts[k] = CeilDiv(extent, block);
    plan->chunks = plan->chunks * plan->counts[k];
    budget = Max(FloorDiv(budget, block), 1);
  }
}

PixelOrder OrderOfRows(const LoopProgram& p, const LoopNest& nest, const LoopPlan& plan) {
  PixelOrder order{1, 1, 1, 1};
  bool cut = false;  // a loop further inside is, so that its extent is a span
  int64_t step = 1;  // in the result
  Dim rest = nest.store;
  for (size_t k = plan.order.size(); k-- > 0;) {
    const Dim& extent = p.extents[plan.order[k]];
    const auto linear = LinearIn(p, rest, plan.order[k]);
    if (!extent.IsConst() || !linear || !linear->coefficient.IsConst(step)) return {};
    rest = linear->rest;
    step *= extent.value();
    if (static_cast<int>(k) >= plan.parallel) {
      order.channels = step;
      continue;
    }
    const int64_t block = plan.blocks[k].value();
    if (cut && block != 1) return {};
    if (cut) continue;
    cut = block < extent.value();
    order.pixels = order.span * block;
    order.span *= extent.value();
  }
  if (!rest.IsConst(0)) return {};
  return order;
}

std::vector<const LoopExpr*> ReachableExprs(const LoopExpr* root) {
  std::vector<const LoopExpr*> all = {root};
  for (size_t k = 0; k < all.size(); ++k) {
    for (const LoopExpr* a : all[k]->args) {
      if (std::find(all.begin(), all.end(), a) == all.end()) all.push_back(a);
    }
  }
  return all;
}

LoopPlan PlanNest(const LoopProgram& p, const LoopNest& nest, const std::function<int(int)>& lane_score,
                  int64_t chunk_points) {
  LoopPlan plan;
  VarSet rows = 0, own = 0;
  double cost = 0.03;
  bool reduces = false;
  std::vector<int> reduced;
  for (const LoopExpr* e : ReachableExprs(nest.root)) {
    cost += PointCost(*e);
    if (e->kind != LoopExpr::Kind::kReduce) continue;
    reduces = true;
    rows |= e->used;
    for (int v : e->vars) {
      own |= VarSet{1} << v;
      if (std::find(reduced.begin(), reduced.end(), v) == reduced.end()) reduced.push_back(v);
    }
  }
  auto is_row = [&](int v) { return !reduces || (rows >> v & 1) || (own >> v & 1) == 0; };
  int best = -1, best_score = 0;
  for (int v : nest.vars) {
    int score = lane_score(v);
    auto store = LinearIn(p, nest.store, v);
    score += store && store->coefficient.IsConst(1) ? 4 : -4;
    if (!IsTiny(p.extents[v]) && (best < 0 || score >= best_score)) {
      best = v;
      best_score = score;
    }
  }
  // A reduction over contiguous data takes the lanes for itself.
  for (int v : reduced) {
    bool in_nest = std::find(nest.vars.begin(), nest.vars.end(), v) != nest.vars.end();
    if (!in_nest && !IsTiny(p.extents[v]) && lane_score(v) > std::max(best_score, 0)) best = -1;
  }
  plan.lane = best;
  int transposed = !reduces && best >= 0 ? TransposedVar(p, nest, best) : -1;
  int packed = !reduces && best >= 0 && transposed < 0 ? PackedVar(p, nest, best) : -1;
  for (int pass = 0; pass < 2; ++pass) {
    for (int v : nest.vars) {
      bool late = v == plan.lane || v == transposed || v == packed;
      if (is_row(v) == (pass == 0) && !late) plan.order.push_back(v);
    }
    if (plan.lane >= 0 && is_row(plan.lane) == (pass == 0)) plan.order.push_back(plan.lane);
    if (transposed >= 0 && pass == 0) plan.order.push_back(transposed);
    if (packed >= 0 && pass == 0) plan.order.push_back(packed);
    if (pass == 0) plan.parallel = static_cast<int>(plan.order.size());
  }
  Dim inner = 1, sweep = 1;
  for (size_t k = plan.parallel; k < plan.order.size(); ++k)
    inner = inner * p.extents[plan.order[k]];
  for (int v : reduced) sweep = sweep * p.extents[v];
  if (reduces) inner = Max(inner, sweep);
  CutBlocks(p, &plan, inner, transposed >= 0 ? kTile : 0, chunk_points);
  if (packed >= 0) {
    auto store = LinearIn(p, nest.store, best);
    if (store && store->coefficient == p.extents[packed]) plan.packed = packed;
  }
  plan.pairs = reduces && plan.parallel > 0 && PairsRows(p, plan, reduced, inner);
  if (plan.pairs) EvenBlocks(p, &plan);
  Dim points = inner;
  for (int k = 0; k < plan.parallel; ++k) points = points * plan.blocks[k];
  plan.ns_per_chunk = cost * static_cast<double>(points.IsConst() ? points.value() : kChunkPoints);
  return plan;
}

}  // namespace belay
