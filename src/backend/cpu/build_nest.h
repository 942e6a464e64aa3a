// The loops of one nest around a leaf.
#pragma once
#include "backend/cpu/build_emit.h"
#include "backend/cpu/loop_plan.h"

namespace belay {

class NestWriter {
 public:
  // `hoisted`: what may be computed as far outside as its variables allow; `leaf` writes one point.
  NestWriter(KernelFrame* frame, LoopProgram* program, LoopEmitter* emitter, const LoopPlan& plan,
             const LoopExpr* hoisted, std::function<void()> leaf)
      : f_(*frame),
        p_(*program),
        emit_(*emitter),
        plan_(plan),
        hoisted_(hoisted),
        leaf_(std::move(leaf)) {}

  // Chunks [lo, hi) of the nest.
  void Write(llvm::Value* lo, llvm::Value* hi);

 private:
  void FindBlock(llvm::Value* chunk);
  void Level(size_t k);

  KernelFrame& f_;
  LoopProgram& p_;
  LoopEmitter& emit_;
  const LoopPlan& plan_;
  const LoopExpr* hoisted_;
  std::function<void()> leaf_;
  std::vector<llvm::Value*> lo_, hi_;
};

// Fragments whose root is a kScan or kScatter.
bool IsSequential(const Graph& fragment);
Status BuildSequential(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                       const std::string& symbol, KernelDraft* draft);

}  // namespace belay
