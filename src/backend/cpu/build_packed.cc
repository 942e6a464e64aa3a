// Stores of a few values for each lane that lie side by side: colours of pixels.
#include "backend/cpu/build_emit.h"

namespace belay {

using llvm::Value;

void LoopEmitter::StorePacked(int buffer, DType dtype, const Dim& index, const LoopExpr* root, int var) {
  auto& b = f_.b;
  const bool whole = lane_.lanes > 1 && !lane_.mask;
  llvm::Type* element = MemoryType(e_, dtype, 1);
  const VarSet bound = bound_;
  Value* first = nullptr;
  std::vector<Value*> parts;
  for (int64_t i = 0; i < p_.extents[var].value(); ++i) {
    PushScope();
    BindVar(var, f_.Int(i));
    Value* value = Get(root);
    if (!whole) Store(buffer, dtype, index, value);
    else parts.push_back(ToMemory(e_, dtype, Wide(value)));
    if (!first) first = b.CreateGEP(element, BufferPointer(buffer), ScalarIndex(index));
    PopScope();
  }
  bound_ = bound;
  const llvm::Align align(BitWidth(dtype) / 8);
  for (int j = 0; j < static_cast<int>(parts.size()); ++j) {
    b.CreateAlignedStore(Interleaved(parts, j), b.CreateGEP(element, first, f_.Int(int64_t{j} * lane_.lanes)), align);
  }
}

// Of the vectors that hold the first lane of each part, then the second, and so on: the one with this number.
Value* LoopEmitter::Interleaved(const std::vector<Value*>& parts, int number) {
  const int count = static_cast<int>(parts.size()), lanes = lane_.lanes;
  Value* all = parts[0];
  for (int part = 1; part < count; ++part) {
    std::vector<int> from(lanes, -1);
    for (int i = 0; i < lanes; ++i) {
      const int place = number * lanes + i;
      if (place % count == part) from[i] = lanes + place / count;
      else if (place % count < part) from[i] = part == 1 ? place / count : i;
    }
    all = f_.b.CreateShuffleVector(all, parts[part], from);
  }
  return all;
}

}  // namespace belay
