// A fragment as expressions over loop variables: views are folded into index expressions, so that
// what remains are loads, arithmetic, guards and reductions. No LLVM here.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "backend/backend.h"

namespace belay {

// Index expressions are Dims in which loop variables and gathered indices are symbols of their own.
constexpr int kLoopSymbol = 1 << 20;
constexpr int kGatherSymbol = 1 << 24;
inline Dim LoopVar(int var) { return Dim::Symbol(kLoopSymbol + var); }
inline bool IsLoopSymbol(int id) { return id >= kLoopSymbol && id < kGatherSymbol; }
inline bool IsGatherSymbol(int id) { return id >= kGatherSymbol; }
constexpr int kMaxLoopVars = 64;
using VarSet = uint64_t;

struct LoopCondition {
  Dim value;
  bool is_zero = false;  // value == 0; otherwise value >= 0
};

struct LoopExpr {
  enum class Kind : uint8_t {
    kLoad,    // buffer[index]
    kConst,   // element of a literal
    kIndex,   // the value of `index`
    kMap,     // scalar(args)
    kGuard,   // args[0] where all conditions hold, else args[1]; without args[1] nothing (inside a
              // reduction)
    kReduce,  // args[0] over `vars`
    kGiven,   // set by the emitter: a scan's running value
  };
  Kind kind = Kind::kConst;
  DType dtype = DType::kF32;
  ScalarOp scalar = ScalarOp::kAdd;
  std::vector<LoopExpr*> args;
  int buffer = 0;  // inputs, then the output; -1-k is constant k
  Dim index;
  LiteralPtr literal;
  std::vector<LoopCondition> conditions;
  ReduceKind reduce = ReduceKind::kNone;
  std::vector<int> vars;
  Dim hit;  // what an arg reduction reports
  bool select_last = false;
  VarSet used = 0;  // loop variables that the value depends on
};

struct GatheredIndex {
  LoopExpr* index;
  Dim limit;
};

// for (vars) output[store] = root
struct LoopNest {
  std::vector<int> vars;
  LoopExpr* root = nullptr;
  Dim store;
};

struct LoopProgram {
  std::vector<Dim> extents;  // by variable
  std::deque<LoopExpr> exprs;
  std::vector<GatheredIndex> gathered;  // by symbol - kGatherSymbol
  std::vector<LiteralPtr> constants;
  std::vector<LoopNest> nests;
  DType output = DType::kF32;
  int output_buffer = 0;

  int NewVar(const Dim& extent);
  LoopExpr* NewExpr(LoopExpr::Kind kind, DType dtype);
  VarSet VarsOf(const Dim& index) const;
  VarSet VarsOf(int symbol) const;
  // Provable bounds over all iterations, when there are any.
  std::optional<Dim> Lowest(const Dim& index) const;
  std::optional<Dim> Highest(const Dim& index) const;
  bool ProvablyNonNegative(const Dim& index) const;
};

// index = coefficient * var + rest, neither of which depends on var.
struct LinearParts {
  Dim coefficient, rest;
};
std::optional<LinearParts> LinearIn(const LoopProgram& program, const Dim& index, int var);
Dim TermValue(const Dim::Term& term);

// Lowers node values at given coordinates.
class LoopLowering {
 public:
  LoopLowering(LoopProgram* program, int inputs) : p_(program), inputs_(inputs) {}
  using Coords = std::vector<Dim>;
  LoopExpr* At(const Node* node, const Coords& coords);
  // From now on At(node, coords) is expr, whatever the coordinates.
  void Bind(const Node* node, LoopExpr* expr) { bound_[node] = expr; }
  Coords FreshVars(const Shape& shape, std::vector<int>* vars);
  // The coordinates of one gather or scatter index, with its symbols made.
  Coords IndexedCoords(const Node* node, int first_index, const Coords& coords, const Shape& data);
  const Status& status() const { return status_; }

 private:
  LoopExpr* Lower(const Node* node, const Coords& coords);
  LoopExpr* Load(int buffer, DType dtype, const Shape& shape, const Coords& coords);
  LoopExpr* Index(DType dtype, const Dim& index);
  LoopExpr* Map(ScalarOp op, DType dtype, std::vector<LoopExpr*> args);
  LoopExpr* Guard(std::vector<LoopCondition> conditions, LoopExpr* inside, LoopExpr* outside);
  LoopExpr* LowerDims(const Node* node, const Coords& coords);
  LoopExpr* LowerConst(const Node* node, const Coords& coords);
  LoopExpr* LowerReshape(const Node* node, const Coords& coords);
  LoopExpr* LowerBroadcast(const Node* node, const Coords& coords);
  LoopExpr* LowerPad(const Node* node, const Coords& coords);
  LoopExpr* LowerConcat(const Node* node, const Coords& coords);
  LoopExpr* LowerReduce(const Node* node, const Coords& coords);
  LoopExpr* LowerPool(const Node* node, const Coords& coords);
  LoopExpr* LowerContract(const Node* node, const Coords& coords);
  LoopExpr* LowerConv(const Node* node, const Coords& coords);
  LoopExpr* Reduction(const Node* node, std::vector<int> vars, LoopExpr* operand);
  Coords WindowCoords(const Node* node, const Coords& coords, const std::vector<Dim>& taps,
                      std::vector<LoopCondition>* conditions);
  std::vector<int> ReduceVars(const Coords& coords, const std::vector<Dim>& extents);
  LoopExpr* Failed(const Status& status);

  LoopProgram* p_;
  int inputs_;
  Status status_;
  std::map<const Node*, std::vector<std::pair<Coords, LoopExpr*>>> memo_;
  std::map<const Node*, LoopExpr*> bound_;
};

std::vector<Dim> LinearToCoords(const LoopProgram& program, const Dim& linear, const Shape& shape);
Dim CoordsToLinear(const std::vector<Dim>& coords, const Shape& shape);

// Whole fragments of maps, views, reductions, pools and contractions. `place`: see KernelSpec.
Result<LoopProgram> LowerToLoops(const Graph& fragment, const std::optional<ResultPlace>& place = std::nullopt);
// Merges loop variables that every access walks as one.
void CollapseLoops(LoopProgram* program);
// Calls fn on every index expression.
void ForEachIndex(LoopProgram* program, const std::function<void(Dim&)>& fn);

}  // namespace belay
