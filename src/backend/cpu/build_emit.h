// Loop expressions as LLVM values: scalar, or one vector of lanes along a chosen loop variable.
#pragma once
#include <optional>
#include <unordered_map>

#include "backend/cpu/build_jit.h"
#include "backend/cpu/build_math.h"
#include "backend/cpu/loop_ir.h"

namespace belay {

class LoopEmitter {
 public:
  using State = std::vector<llvm::Value*>;
  static constexpr int kUnroll = 4;  // independent accumulators of a reduction

  LoopEmitter(KernelFrame* frame, LoopProgram* program);

  // The value at the current point: a vector when it differs between lanes, else a scalar.
  llvm::Value* Get(const LoopExpr* expr);
  llvm::Value* Wide(llvm::Value* value);  // splat over the current lanes
  void Set(const LoopExpr* expr, llvm::Value* value) { scopes_.back().values[CopyOf(expr)][expr] = value; }
  void Store(int buffer, DType dtype, const Dim& index, llvm::Value* value);
  // The same for all points of `var`, a few, which lie side by side: the lanes' places are as far apart as there are.
  void StorePacked(int buffer, DType dtype, const Dim& index, const LoopExpr* root, int var);
  // From now on whole vectors of outputs, which begin at lines of the cache, are stored past it.
  void WritePastCaches(bool past) { past_caches_ = past; }
  llvm::Value* ScalarIndex(const Dim& index);  // the lane variable counts as its lane 0
  // Emits what does not depend on loops further in; never enters guards.
  void Hoist(const LoopExpr* root);

  // Costly values of a row that a reduction and a later pass both need are kept in scratch memory.
  // `columns`: the variables within a row, outermost first. Called once, before any loop.
  void KeepCostlyValues(const LoopExpr* root, const std::vector<int>& columns, int lane);

  // for (var in [lo, hi)) body, one point at a time.
  void ScalarLoop(int var, llvm::Value* lo, llvm::Value* hi, const std::function<void()>& body);
  // The same by lanes; the tail runs under a mask, or one by one where the machine has no masks.
  void LaneLoop(int var, llvm::Value* lo, llvm::Value* hi, const std::function<void()>& body);
  // for (var in [lo, hi)) body for two points side by side and, at an odd end, for one. Inside, ForCopies runs what is
  // done for each of them, and a reduction is emitted for both: the end of a sum is a chain that one row waits for.
  void PairLoop(int var, llvm::Value* lo, llvm::Value* hi, const std::function<void()>& body);
  // Pairs from now on: `leaf`, which writes a point of `root` with the lanes along `lane`, may wait and be written
  // beside the costliest pass over the next pair. Memory takes what is stored past the caches better when it is spread.
  void DelayLeaf(const LoopExpr* root, int lane, std::function<void()> leaf);
  bool HasDelayed() const { return has_delayed_; }
  // `pass` writes the leaf at all lanes; it runs where the leaf cannot wait.
  void UnlessDelayed(const std::function<void()>& pass);
  void ForCopies(const std::function<void()>& body);
  // Fetches what the lanes here will read in the next pair, if `pass`, a nest's root or a reduction's operand, is the
  // costliest of the nest.
  void PrefetchPair(const LoopExpr* pass);
  void BindVar(int var, llvm::Value* value);
  void UnbindVar(int var) { bound_ &= ~(VarSet{1} << var); }
  void PushScope(VarSet shadow = 0);
  void PopScope();

  int LanesFor(int var) const;  // a power of two
  // How well `var` suits the lanes of these expressions: unit strides count up, others down.
  int LaneScore(const LoopExpr* root, int var) const;

 private:
  struct Scope {
    std::unordered_map<const LoopExpr*, llvm::Value*> values[2];  // by copy
    std::unordered_map<const LoopExpr*, llvm::Value*> reciprocals[2];
    std::vector<const LoopExpr*> filled;  // kept values that are complete here
    VarSet shadow = 0;  // variables bound anew here: values below that use them are not seen
  };
  struct LaneState {
    int var = -1;
    int lanes = 1;
    llvm::Value* mask = nullptr;  // active lanes; nullptr: all
    bool may_be_empty = false;    // the mask may have no lane at all
  };
  struct Gathered {
    llvm::Value* value;  // i64, in range where ok
    llvm::Value* ok;     // nullptr: the clamped value is always readable
  };
  struct Access {
    llvm::Value* pointer = nullptr;  // of lane 0, or all lanes' pointers
    bool contiguous = false;
    bool reversed = false;
    int64_t stride = 0;            // otherwise, where it is known
    llvm::Value* first = nullptr;  // then lane 0's pointer
  };
  struct Kept {
    llvm::Value* base;                // its part of the scratch
    const LoopExpr* sweep = nullptr;  // the reduction that fills it
  };
  // A leaf that waits for the next pair, build_delay.cc.
  struct Delay {
    std::function<void()> leaf;
    std::vector<const LoopExpr*> results, divisors;  // of rows, which it needs again
    State results_of[2], reciprocals_of[2];           // of the pair that waits
    llvm::Value *first, *end;                         // of the pairs
    llvm::Value *waits, *will_wait;                   // one does; this one will
    bool is_emitted = false;
  };
  struct Conditions {
    llvm::Value* uniform = nullptr;
    llvm::Value* lanes = nullptr;
  };

  bool IsFilled(const LoopExpr* expr) const;
  llvm::Value* KeptPointer(const Kept& kept, DType dtype, int copy);
  State BeginDelay(llvm::Value* first, llvm::Value* end);
  void BeginPair(llvm::ArrayRef<llvm::Value*> carried);
  State EndPair();
  llvm::Value* KeptSet(bool before);
  void EmitDelayed(const LoopExpr* pass);
  llvm::Value* IsNormal(llvm::Value* reciprocal);
  llvm::Value* EmitKept(const LoopExpr* expr, Kept* kept);
  bool IsPaired(const LoopExpr* expr) const { return pair_var_ >= 0 && (expr->used >> pair_var_ & 1); }
  int CopyOf(const LoopExpr* expr) const { return IsPaired(expr) ? copy_ : 0; }
  void SetCopy(int copy);
  bool Varies(VarSet used) const { return lane_.lanes > 1 && (used >> lane_.var & 1); }
  bool IsVector(llvm::Value* v) const { return v->getType()->isVectorTy(); }
  llvm::Value* Find(const LoopExpr* expr);
  llvm::Value* Emit(const LoopExpr* expr);
  bool HasReciprocal(const LoopExpr* division) const;
  llvm::Value* FindReciprocal(const LoopExpr* divisor) const;
  void HoistReciprocal(const LoopExpr* divisor);
  llvm::Value* DivideByUniform(llvm::Value* x, llvm::Value* divisor, llvm::Value* reciprocal);
  llvm::Value* EmitMap(const LoopExpr* expr);
  llvm::Value* EmitLoad(const LoopExpr* expr);
  void Prefetch(llvm::Value* pointer);
  llvm::Value* LoadStrided(DType dtype, const Access& at);
  llvm::Value* ReadableIndices(const Dim& index);
  llvm::Value* Interleaved(const std::vector<llvm::Value*>& parts, int number);
  void StoreLanes(int buffer, DType dtype, const Dim& index, llvm::Value* value, llvm::Value* ok);
  llvm::Value* EmitScalarLoad(const LoopExpr* expr, llvm::Value* ok);
  llvm::Value* EmitGuard(const LoopExpr* expr);
  llvm::Value* IfElse(llvm::Value* condition, const std::function<llvm::Value*()>& a,
                      const std::function<llvm::Value*()>& b);
  Conditions EmitConditions(const std::vector<LoopCondition>& conditions);
  llvm::Value* EmitCondition(const LoopCondition& condition, bool vector);
  llvm::Value* ConstantData(llvm::Constant* data);
  llvm::Value* BufferPointer(int buffer);
  Access Address(int buffer, DType dtype, const Dim& index);
  llvm::Value* VectorIndex(const Dim& index);
  llvm::Value* EmitIndex(const Dim& index, bool vector);
  llvm::Value* EmitAtom(const Dim::AtomRep& atom, bool vector);
  llvm::Value* EmitDivision(const Dim::AtomRep& atom, bool vector);
  Gathered GatheredValue(int symbol);
  void ReportBadIndex(llvm::Value* bad, llvm::Value* index, llvm::Value* limit);
  llvm::Value* AndMask(llvm::Value* a, llvm::Value* b);
  llvm::Value* LaneIota(llvm::Type* element);
  llvm::Value* TailMask(llvm::Value* count);
  void HoistFrom(const LoopExpr* expr, std::unordered_map<const LoopExpr*, bool>* seen);

  // Reductions, build_reduce.cc.
  llvm::Value* EmitReduce(const LoopExpr* expr);
  // What `body` makes with the variable at i.
  State WithVar(int var, llvm::Value* i, const std::function<State()>& body);
  State Sweep(const LoopExpr* r, const std::vector<int>& order, size_t level, State state);
  State SweepBlocks(const LoopExpr* r, int64_t block, llvm::Value* extent, State state,
                    const std::function<State(llvm::Value* lo, llvm::Value* hi, State)>& inner);
  bool HasShortSteps(const LoopExpr* r, int var) const;
  State SweepSeveral(const LoopExpr* r, int64_t step, llvm::Value** lo, llvm::Value* hi, State state,
                     const std::function<State(llvm::Value*, State)>& at);
  State SweepLanes(const LoopExpr* r, int var, llvm::Value* lo, llvm::Value* hi, State state);
  State SweepRest(const LoopExpr* r, int var, llvm::Value* lo, llvm::Value* hi, State state);
  // A state is that of one point, or of both points of a pair in a row.
  State Step(const LoopExpr* r, State state);
  State StepOne(const LoopExpr* r, State state);
  llvm::Value* AddProduct(const LoopExpr* r, const LoopExpr* operand, llvm::Value* sum);
  State Identity(const LoopExpr* r, int lanes);
  State Combine(const LoopExpr* r, const State& a, const State& b);
  State CombineOne(const LoopExpr* r, const State& a, const State& b);
  State CombineArg(const LoopExpr* r, const State& a, const State& b);
  llvm::Value* ReduceLanes(const LoopExpr* r, State state);
  int OwnLaneVar(const LoopExpr* r) const;

  KernelFrame& f_;
  LoopProgram& p_;
  EmitContext e_;
  std::vector<llvm::Value*> vars_;
  std::vector<int> depth_;  // nesting order of bound variables
  int next_depth_ = 1;
  VarSet bound_ = 0;
  LaneState lane_;
  std::vector<Scope> scopes_;
  std::vector<llvm::Value*> constants_;
  llvm::Value* zero_slot_ = nullptr;
  int pair_var_ = -1, copy_ = 0;
  llvm::Value* pair_[2] = {};  // values of pair_var_
  std::optional<Delay> delay_;
  bool has_delayed_ = false;
  llvm::Value* kept_set_ = nullptr;  // the offset of what a pair keeps, while the pair before has its own
  const LoopExpr* costliest_pass_ = nullptr;
  int data_count_ = 0;
  std::unordered_map<const LoopExpr*, Kept> kept_;
  VarSet kept_columns_ = 0;
  int kept_last_ = -1;
  Dim kept_bytes_;                   // of one value, for one point of a pair
  Dim kept_index_;                   // the position within a row
  const LoopExpr* sweep_ = nullptr;  // the reduction being emitted
  int guarded_ = 0;                  // conditions around the current point
  int vector_lanes_ = 1;
  bool mask_tails_ = false;
  bool past_caches_ = false;
};

}  // namespace belay
