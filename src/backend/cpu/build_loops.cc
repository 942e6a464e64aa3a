#include "backend/cpu/build_loops.h"

#include <llvm/IR/Intrinsics.h>

#include "backend/cpu/build_nest.h"

namespace belay {
Status BuildLoops(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                  const std::string& symbol, KernelDraft* draft) {
  if (IsSequential(*spec.fragment)) return BuildSequential(spec, row, module, symbol, draft);
  BELAY_TRY(LoopProgram program, LowerToLoops(*spec.fragment));
  KernelFrame frame(module, row, symbol, draft);
  auto& b = frame.b;
  LoopEmitter emitter(&frame, &program);
  Dim first;
  for (const LoopNest& nest : program.nests) {
    LoopPlan plan = PlanNest(program, nest, [&](int v) { return emitter.LaneScore(nest.root, v); });
    std::vector<int> columns(plan.order.begin() + plan.parallel, plan.order.end());
    emitter.KeepCostlyValues(nest.root, columns, plan.lane);
    llvm::Value *lo = frame.begin, *hi = frame.end;
    if (program.nests.size() > 1) {
      llvm::Value* start = frame.DimValue(first);
      llvm::Value* count = frame.DimValue(plan.chunks);
      lo = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b.CreateSub(lo, start), frame.Int(0));
      hi = b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b.CreateSub(hi, start), count);
    }
    NestWriter(&frame, &program, &emitter, plan, nest.root, [&] {
      emitter.Store(program.output_buffer, program.output, nest.store, emitter.Get(nest.root));
    }).Write(lo, hi);
    first = first + plan.chunks;
    draft->ns_per_chunk = std::max(draft->ns_per_chunk, plan.ns_per_chunk);
    if (!draft->about.empty()) draft->about += "; ";
    std::string lanes = "lanes inside";
    if (plan.lane >= 0) lanes = fmt::format("lanes over {}", program.extents[plan.lane].ToString());
    draft->about += fmt::format("{} loops, {}", plan.order.size(), lanes);
    if (plan.pairs) draft->about += ", rows in pairs";
  }
  draft->chunks = first;
  frame.Finish();
  return OkStatus();
}

}  // namespace belay
