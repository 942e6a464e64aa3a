#include "backend/cpu/build_loops.h"

#include <llvm/IR/Intrinsics.h>

#include "backend/cpu/build_emit.h"
#include "backend/cpu/loop_plan.h"

namespace belay {
namespace {

using llvm::Value;

// One nest's share [lo, hi) of the chunks.
class NestWriter {
 public:
  NestWriter(KernelFrame* frame, LoopProgram* program, LoopEmitter* emitter, const LoopNest& nest,
             const LoopPlan& plan)
      : f_(*frame), p_(*program), emit_(*emitter), nest_(nest), plan_(plan) {}

  void Write(Value* lo, Value* hi) {
    f_.Loop(lo, hi, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) {
      emit_.PushScope();
      FindBlock(chunk);
      Level(0);
      emit_.PopScope();
      return LoopEmitter::State{};
    });
  }

 private:
  void FindBlock(Value* chunk) {
    auto& b = f_.b;
    lo_.resize(plan_.order.size());
    hi_.resize(plan_.order.size());
    for (size_t k = plan_.order.size(); k-- > 0;) {
      Value* extent = f_.DimValue(p_.extents[plan_.order[k]]);
      if (static_cast<int>(k) >= plan_.parallel || plan_.counts[k].IsConst(1)) {
        lo_[k] = f_.Int(0);
        hi_[k] = extent;
        continue;
      }
      Value* count = f_.DimValue(plan_.counts[k]);
      Value* block = f_.DimValue(plan_.blocks[k]);
      Value* index = k == 0 ? chunk : b.CreateURem(chunk, count);
      if (k != 0) chunk = b.CreateUDiv(chunk, count);
      lo_[k] = b.CreateMul(index, block);
      hi_[k] = b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b.CreateAdd(lo_[k], block), extent);
    }
  }

  void Level(size_t k) {
    emit_.Hoist(nest_.root);
    if (k == plan_.order.size()) {
      emit_.Store(p_.output_buffer, p_.output, nest_.store, emit_.Get(nest_.root));
      return;
    }
    int var = plan_.order[k];
    if (var == plan_.lane) emit_.LaneLoop(var, lo_[k], hi_[k], [&] { Level(k + 1); });
    else emit_.ScalarLoop(var, lo_[k], hi_[k], [&] { Level(k + 1); });
  }

  KernelFrame& f_;
  LoopProgram& p_;
  LoopEmitter& emit_;
  const LoopNest& nest_;
  const LoopPlan& plan_;
  std::vector<Value*> lo_, hi_;
};

}  // namespace

Status BuildLoops(const KernelSpec& spec, const TargetRow& row, llvm::Module& module, const std::string& symbol,
                  KernelDraft* draft) {
  BELAY_TRY(LoopProgram program, LowerToLoops(*spec.fragment));
  KernelFrame frame(module, row, symbol, draft);
  auto& b = frame.b;
  LoopEmitter emitter(&frame, &program);
  Dim first;
  for (const LoopNest& nest : program.nests) {
    LoopPlan plan = PlanNest(program, nest, [&](int v) { return emitter.LaneScore(nest.root, v); });
    Value *lo = frame.begin, *hi = frame.end;
    if (program.nests.size() > 1) {
      Value* start = frame.DimValue(first);
      Value* count = frame.DimValue(plan.chunks);
      lo = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b.CreateSub(lo, start), frame.Int(0));
      hi = b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b.CreateSub(hi, start), count);
    }
    NestWriter(&frame, &program, &emitter, nest, plan).Write(lo, hi);
    first = first + plan.chunks;
    draft->ns_per_chunk = std::max(draft->ns_per_chunk, plan.ns_per_chunk);
    if (!draft->about.empty()) draft->about += "; ";
    draft->about += fmt::format("{} loops, {}", plan.order.size(),
                                plan.lane < 0 ? "lanes inside" : fmt::format("lanes over {}", program.extents[plan.lane].ToString()));
  }
  draft->chunks = first;
  frame.Finish();
  return OkStatus();
}

}  // namespace belay
