#include "backend/cpu/build_nest.h"

#include <llvm/IR/Intrinsics.h>

namespace belay {

using llvm::Value;

void NestWriter::Write(Value* lo, Value* hi) {
  f_.Loop(lo, hi, 1, {}, [&](Value* chunk, llvm::ArrayRef<Value*>) {
    emit_.PushScope();
    FindBlock(chunk);
    Level(0);
    emit_.PopScope();
    return LoopEmitter::State{};
  });
}

void NestWriter::FindBlock(Value* chunk) {
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

void NestWriter::Level(size_t k) {
  emit_.ForCopies([&] { emit_.Hoist(hoisted_); });
  if (k == plan_.order.size()) {
    emit_.ForCopies(leaf_);
    return emit_.PrefetchPair(hoisted_);
  }
  int var = plan_.order[k];
  const auto body = [&] { Level(k + 1); };
  if (plan_.pairs && static_cast<int>(k) + 1 == plan_.parallel) {
    if (k + 2 == plan_.order.size() && plan_.order[k + 1] == plan_.lane) emit_.DelayLeaf(hoisted_, plan_.lane, leaf_);
    return emit_.PairLoop(var, lo_[k], hi_[k], body);
  }
  if (var != plan_.lane) return emit_.ScalarLoop(var, lo_[k], hi_[k], body);
  emit_.UnlessDelayed([&] { emit_.LaneLoop(var, lo_[k], hi_[k], body); });
}

}  // namespace belay
