// How a nest is walked: order of its loops, which one becomes the lanes, and the parallel blocks.
#pragma once
#include "backend/cpu/loop_ir.h"

namespace belay {

struct LoopPlan {
  std::vector<int> order;   // outermost first
  int parallel = 0;         // so many of `order` are cut into blocks
  int lane = -1;            // the variable along the lanes, -1: scalar
  int packed = -1;          // the innermost, where the lanes' results lie side by side over all of it, -1: none
  bool pairs = false;       // the last of them takes two points at once
  std::vector<Dim> blocks;  // extent of one block, by position in order
  std::vector<Dim> counts;  // blocks of each parallel loop
  Dim chunks = 1;
  double ns_per_chunk = 0;
};

constexpr int64_t kChunkPoints = 16384;  // work of one chunk

// `lane_score` tells how well a variable suits the lanes. chunk_points: at most, but one row.
LoopPlan PlanNest(const LoopProgram& program, const LoopNest& nest, const std::function<int(int)>& lane_score,
                  int64_t chunk_points = kChunkPoints);
// Cuts the first plan->parallel loops; `inner_work` points lie within each of theirs. tile: side of
// the blocks of the two innermost ones, 0: by amount of work.
void CutBlocks(const LoopProgram& program, LoopPlan* plan, const Dim& inner_work, int64_t tile,
               int64_t chunk_points = kChunkPoints);
// The order of the blocks through the result, if they are blocks of consecutive rows; a row is what lies within the
// parallel loops.
PixelOrder OrderOfRows(const LoopProgram& program, const LoopNest& nest, const LoopPlan& plan);
// Expressions that `root` reaches.
std::vector<const LoopExpr*> ReachableExprs(const LoopExpr* root);

}  // namespace belay
