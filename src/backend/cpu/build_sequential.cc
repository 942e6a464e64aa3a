// Scans and scatters: steps whose order matters.
#include <llvm/IR/Intrinsics.h>

#include <algorithm>

#include "backend/cpu/build_nest.h"
#include "backend/cpu/scalar.h"

namespace belay {
namespace {

using llvm::Value;
using State = LoopEmitter::State;

const Node* Root(const Graph& fragment) {
  const Node* root = fragment.outputs[0];
  while (root->op == Op::kReshape) root = root->inputs[0];
  return root;
}

// Running sums and products of floats are kept in f64: they are as long as the axis.
DType RunningType(const Node& scan) {
  bool grows = scan.reduce == ReduceKind::kSum || scan.reduce == ReduceKind::kProd;
  return IsFloat(scan.type.dtype) && grows ? DType::kF64 : scan.type.dtype;
}

struct Builder {
  const KernelSpec& spec;
  const Node& node;
  KernelFrame frame;
  LoopProgram program;
  KernelDraft* draft;

  Builder(const KernelSpec& s, const TargetRow& row, llvm::Module& module,
          const std::string& symbol, KernelDraft* d)
      : spec(s), node(*Root(*s.fragment)), frame(module, row, symbol, d), draft(d) {
    program.output = node.type.dtype;
    program.output_buffer = static_cast<int>(s.fragment->inputs.size());
  }

  Status Scan() {
    LoopLowering lowering(&program, program.output_buffer);
    LoopNest nest;
    int axis_dim = node.axes[0];
    std::vector<Dim> coords;
    for (int k = 0; k < node.rank(); ++k) {
      bool single = node.shape()[k].IsConst(1) && k != axis_dim;
      int var = single ? -1 : program.NewVar(node.shape()[k]);
      coords.push_back(single ? Dim(0) : LoopVar(var));
      if (!single && k != axis_dim) nest.vars.push_back(var);
      if (k == axis_dim) axis_ = var;
    }
    nest.root = lowering.At(node.inputs[0], coords);
    nest.store = CoordsToLinear(coords, node.shape());
    BELAY_RETURN_IF_ERROR(lowering.status());
    program.nests.push_back(nest);
    CollapseLoops(&program);
    const LoopNest& final = program.nests[0];
    LoopPlan plan;
    plan.order = final.vars;
    plan.parallel = static_cast<int>(plan.order.size());
    if (!final.vars.empty() && !program.extents[axis_].IsConst(1)) {
      auto store = LinearIn(program, final.store, final.vars.back());
      if (store && store->coefficient.IsConst(1)) plan.lane = final.vars.back();
    }
    CutBlocks(program, &plan, program.extents[axis_], 0);
    plan.ns_per_chunk = 20000;
    LoopEmitter emitter(&frame, &program);
    NestWriter(&frame, &program, &emitter, plan, final.root, [&] {
      ScanLeaf(emitter, final);
    }).Write(frame.begin, frame.end);
    draft->chunks = plan.chunks;
    draft->ns_per_chunk = plan.ns_per_chunk;
    draft->about = fmt::format("scan over {}", program.extents[axis_].ToString());
    frame.Finish();
    return OkStatus();
  }

  void ScanLeaf(LoopEmitter& emitter, const LoopNest& nest) {
    EmitContext e{frame.b, frame.module, frame.row};
    DType dtype = node.type.dtype, running = RunningType(node);
    Value* extent = frame.DimValue(program.extents[axis_]);
    Value* start = ReduceIdentity(e, node.reduce, running, 1);
    frame.Loop(
        frame.Int(0), extent, 1, {emitter.Wide(start)},
        [&](Value* t, llvm::ArrayRef<Value*> carried) {
          emitter.PushScope();
          bool reverse = node.flags & kReverse;
          emitter.BindVar(
              axis_, reverse ? frame.b.CreateSub(frame.b.CreateSub(extent, frame.Int(1)), t) : t);
          Value* x = emitter.Wide(emitter.Get(nest.root));
          Value* next =
              EmitReduceStep(e, node.reduce, running, carried[0], EmitCast(e, dtype, running, x));
          Value* out = node.flags & kExclusive ? carried[0] : next;
          emitter.Store(program.output_buffer, dtype, nest.store, EmitCast(e, running, dtype, out));
          emitter.PopScope();
          emitter.UnbindVar(axis_);
          return State{next};
        });
  }

  Status Scatter() {
    LoopLowering lowering(&program, program.output_buffer);
    LoopNest copy, update;
    const Node *data = node.inputs[0], *updates = node.inputs[1];
    std::vector<Dim> coords = lowering.FreshVars(data->shape(), &copy.vars);
    copy.root = lowering.At(data, coords);
    copy.store = CoordsToLinear(coords, data->shape());
    coords = lowering.FreshVars(updates->shape(), &update.vars);
    update.root = lowering.At(updates, coords);
    update.store =
        CoordsToLinear(lowering.IndexedCoords(&node, 2, coords, data->shape()), data->shape());
    BELAY_RETURN_IF_ERROR(lowering.status());
    program.nests = {copy, update};
    CollapseLoops(&program);
    LoopExpr* old = program.NewExpr(LoopExpr::Kind::kLoad, program.output);
    old->buffer = program.output_buffer;
    old->index = program.nests[1].store;
    old->used = program.VarsOf(old->index);

    LoopEmitter emitter(&frame, &program);
    auto whole = [&](const LoopNest& nest, int lane, const std::function<void()>& leaf) {
      LoopPlan plan;
      plan.order = nest.vars;
      plan.lane = lane;
      NestWriter(&frame, &program, &emitter, plan, nest.root, leaf).Write(frame.begin, frame.end);
    };
    const bool in_place = spec.overwritten_input >= 0;
    const LoopNest& first = program.nests[0];
    if (!in_place) {
      whole(first, first.vars.empty() ? -1 : first.vars.back(), [&] {
        emitter.Store(program.output_buffer, program.output, first.store, emitter.Get(first.root));
      });
    }
    const LoopNest& second = program.nests[1];
    whole(second, ScatterLane(second), [&] { ScatterLeaf(emitter, second, old); });
    draft->chunks = 1;
    Dim points = NumElements(updates->shape());
    if (!in_place) points = points + NumElements(data->shape());
    draft->ns_per_chunk = points.IsConst() ? static_cast<double>(points.value()) : 1e6;
    draft->about = in_place ? "scatter in place" : "scatter";
    frame.Finish();
    return OkStatus();
  }

  // Lanes may run over the last variable when each hits its own element beside the previous one's.
  int ScatterLane(const LoopNest& nest) const {
    if (nest.vars.empty()) return -1;
    int last = nest.vars.back();
    for (const GatheredIndex& g : program.gathered) {
      if (g.index->used >> last & 1) return -1;
    }
    auto store = LinearIn(program, nest.store, last);
    return store && store->coefficient.IsConst(1) ? last : -1;
  }

  void ScatterLeaf(LoopEmitter& emitter, const LoopNest& nest, const LoopExpr* old) {
    EmitContext e{frame.b, frame.module, frame.row};
    Value* value = emitter.Get(nest.root);
    if (node.reduce != ReduceKind::kNone) {
      DType dtype = node.type.dtype, wide = IsHalf(dtype) ? DType::kF32 : dtype;
      Value* sum =
          EmitReduceStep(e, node.reduce, wide, emitter.Wide(emitter.Get(old)), emitter.Wide(value));
      value = RoundToHalf(e, dtype, sum);
    }
    emitter.Store(program.output_buffer, program.output, nest.store, value);
  }

  int axis_ = -1;
};

}  // namespace

bool IsSequential(const Graph& fragment) {
  if (fragment.outputs.size() != 1) return false;
  Op op = Root(fragment)->op;
  return op == Op::kScan || op == Op::kScatter;
}

Status BuildSequential(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                       const std::string& symbol, KernelDraft* draft) {
  const Node* root = Root(*spec.fragment);
  if (!IsComputableDType(root->type.dtype))
    return NotSupported("{} in generated code", DTypeName(root->type.dtype));
  Builder builder(spec, row, module, symbol, draft);
  return root->op == Op::kScan ? builder.Scan() : builder.Scatter();
}

}  // namespace belay
