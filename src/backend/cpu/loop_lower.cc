// From graph nodes to loop expressions: every view becomes index arithmetic here.
#include <algorithm>

#include "backend/cpu/loop_ir.h"
#include "backend/cpu/scalar.h"

namespace belay {

using Coords = LoopLowering::Coords;

LoopExpr* LoopLowering::Failed(const Status& status) {
  if (status_.ok()) status_ = status;
  LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kConst, DType::kF32);
  e->literal = LiteralFromDoubles(DType::kF32, {}, {0});
  return e;
}

Coords LoopLowering::FreshVars(const Shape& shape, std::vector<int>* vars) {
  Coords coords;
  for (const Dim& d : shape) {
    if (d.IsConst(1)) {
      coords.push_back(0);
      continue;
    }
    vars->push_back(p_->NewVar(d));
    coords.push_back(LoopVar(vars->back()));
  }
  return coords;
}

LoopExpr* LoopLowering::At(const Node* node, const Coords& coords) {
  if (auto it = bound_.find(node); it != bound_.end()) return it->second;
  for (auto& [c, expr] : memo_[node]) {
    if (c == coords) return expr;
  }
  if (p_->extents.size() >= kMaxLoopVars - 8)
    return Failed(NotSupported("a fragment with too many loops"));
  LoopExpr* expr = Lower(node, coords);
  memo_[node].push_back({coords, expr});
  return expr;
}

LoopExpr* LoopLowering::Load(int buffer, DType dtype, const Shape& shape, const Coords& coords) {
  LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kLoad, dtype);
  e->buffer = buffer;
  e->index = CoordsToLinear(coords, shape);
  e->used = p_->VarsOf(e->index);
  return e;
}

LoopExpr* LoopLowering::Index(DType dtype, const Dim& index) {
  LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kIndex, DType::kI64);
  e->index = index;
  e->used = p_->VarsOf(index);
  return dtype == DType::kI64 ? e : Map(ScalarOp::kCast, dtype, {e});
}

LoopExpr* LoopLowering::Map(ScalarOp op, DType dtype, std::vector<LoopExpr*> args) {
  DType in = args[op == ScalarOp::kSelect ? 1 : 0]->dtype;
  if (op == ScalarOp::kCast && in == dtype) return args[0];
  if (!CanComputeScalarOp(op, in, dtype)) {
    return Failed(NotSupported("{} of {} to {} in generated code", ScalarOpName(op), DTypeName(in),
                               DTypeName(dtype)));
  }
  LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kMap, dtype);
  e->scalar = op;
  for (LoopExpr* a : args) e->used |= a->used;
  e->args = std::move(args);
  return e;
}

LoopExpr* LoopLowering::Guard(std::vector<LoopCondition> conditions, LoopExpr* inside,
                              LoopExpr* outside) {
  std::erase_if(conditions, [&](const LoopCondition& c) {
    return c.is_zero ? c.value.IsConst(0) : p_->ProvablyNonNegative(c.value);
  });
  if (conditions.empty()) return inside;
  LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kGuard, inside->dtype);
  e->used = inside->used | (outside ? outside->used : 0);
  for (const LoopCondition& c : conditions) e->used |= p_->VarsOf(c.value);
  e->conditions = std::move(conditions);
  e->args = {inside};
  if (outside) e->args.push_back(outside);
  return e;
}

LoopExpr* LoopLowering::Lower(const Node* node, const Coords& coords) {
  if (!IsComputableDType(node->type.dtype)) {
    return Failed(NotSupported("{} in generated code", DTypeName(node->type.dtype)));
  }
  switch (node->op) {
    case Op::kInput: return Load(node->index, node->type.dtype, node->shape(), coords);
    case Op::kConst: return LowerConst(node, coords);
    case Op::kDims: return LowerDims(node, coords);
    case Op::kIota: return Index(node->type.dtype, coords[node->axes[0]]);
    case Op::kMap: {
      std::vector<LoopExpr*> args;
      for (const Node* in : node->inputs) args.push_back(At(in, coords));
      return status_.ok() ? Map(node->scalar, node->type.dtype, std::move(args)) : args[0];
    }
    case Op::kReshape: return LowerReshape(node, coords);
    case Op::kTranspose: {
      Coords in(coords.size());
      for (size_t k = 0; k < coords.size(); ++k) in[node->axes[k]] = coords[k];
      return At(node->inputs[0], in);
    }
    case Op::kBroadcast: return LowerBroadcast(node, coords);
    case Op::kSlice: {
      Coords in(coords.size());
      for (size_t k = 0; k < coords.size(); ++k)
        in[k] = node->starts[k] + coords[k] * node->steps[k];
      return At(node->inputs[0], in);
    }
    case Op::kPad: return LowerPad(node, coords);
    case Op::kConcat: return LowerConcat(node, coords);
    case Op::kGather:
      return At(node->inputs[0], IndexedCoords(node, 1, coords, node->inputs[0]->shape()));
    case Op::kReduce: return LowerReduce(node, coords);
    case Op::kPool: return LowerPool(node, coords);
    case Op::kContract: return LowerContract(node, coords);
    case Op::kConv: return LowerConv(node, coords);
    default: break;
  }
  return Failed(NotSupported("node {} is no part of a generated loop", node->name));
}

LoopExpr* LoopLowering::LowerConst(const Node* node, const Coords& coords) {
  if (node->literal->NumElements() == 1) {
    LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kConst, node->type.dtype);
    e->literal = node->literal;
    return e;
  }
  auto& all = p_->constants;
  size_t k = std::find(all.begin(), all.end(), node->literal) - all.begin();
  if (k == all.size()) all.push_back(node->literal);
  return Load(-1 - static_cast<int>(k), node->type.dtype, node->shape(), coords);
}

// A choice among a few values by position; usually the position is known.
LoopExpr* LoopLowering::LowerDims(const Node* node, const Coords& coords) {
  Dim position = CoordsToLinear(coords, node->shape());
  size_t count = node->starts.size();
  if (position.IsConst()) return Index(node->type.dtype, node->starts[position.value()]);
  Dim value = count ? node->starts[0] : Dim();
  for (size_t k = 1; k < count; ++k)
    value = Select(Equal(position, static_cast<int64_t>(k)), node->starts[k], value);
  return Index(node->type.dtype, value);
}

// Groups of dims with equal products are independent; a dense buffer needs no groups at all.
LoopExpr* LoopLowering::LowerReshape(const Node* node, const Coords& coords) {
  const Node* in = node->inputs[0];
  const Shape &from = in->shape(), &to = node->shape();
  while (in->op == Op::kReshape) in = in->inputs[0];
  if (in->op == Op::kInput) return Load(in->index, in->type.dtype, to, coords);
  in = node->inputs[0];
  Coords result;
  size_t i = 0, j = 0;
  while (i < from.size()) {
    // The smallest next group (i, i2) x (j, j2) with equal products.
    size_t i2 = from.size(), j2 = to.size();
    Dim left = 1;
    for (size_t a = i; a < from.size() && i2 == from.size(); ++a) {
      left = left * from[a];
      Dim right = 1;
      for (size_t c = j; c < to.size(); ++c) {
        right = right * to[c];
        if (left == right && a + 1 < from.size()) {
          i2 = a + 1;
          j2 = c + 1;
          break;
        }
      }
    }
    Shape group_to(to.begin() + j, to.begin() + j2),
        group_from(from.begin() + i, from.begin() + i2);
    Coords group(coords.begin() + j, coords.begin() + j2);
    for (Dim& d : LinearToCoords(*p_, CoordsToLinear(group, group_to), group_from))
      result.push_back(d);
    i = i2;
    j = j2;
  }
  return At(in, result);
}

LoopExpr* LoopLowering::LowerBroadcast(const Node* node, const Coords& coords) {
  const Shape &from = node->inputs[0]->shape(), &to = node->shape();
  Coords in(coords.size());
  for (size_t k = 0; k < coords.size(); ++k) {
    if (from[k] == to[k]) in[k] = coords[k];
    else if (!from[k].IsConst(1)) in[k] = coords[k] * (Dim(1) - Equal(from[k], 1));
  }
  return At(node->inputs[0], in);
}

LoopExpr* LoopLowering::LowerPad(const Node* node, const Coords& coords) {
  const Node* x = node->inputs[0];
  Coords in(coords.size());
  std::vector<LoopCondition> conditions;
  for (size_t k = 0; k < coords.size(); ++k) {
    Dim p = coords[k] - node->starts[k];
    const Dim& step = node->steps[k];
    in[k] = step.IsConst(1) ? p : FloorDiv(p, step);
    conditions.push_back({p});
    conditions.push_back({x->shape()[k] - Dim(1) - in[k]});
    if (!step.IsConst(1)) conditions.push_back({Mod(p, step), true});
  }
  LoopExpr* outside = At(node->inputs[1], Coords(node->inputs[1]->rank()));
  return Guard(std::move(conditions), At(x, in), outside);
}

LoopExpr* LoopLowering::LowerConcat(const Node* node, const Coords& coords) {
  int axis = node->axes[0];
  std::vector<Dim> starts;
  Dim start;
  for (const Node* part : node->inputs) {
    starts.push_back(start);
    start = start + part->shape()[axis];
  }
  LoopExpr* value = nullptr;
  for (size_t k = node->inputs.size(); k-- > 0;) {
    Coords in = coords;
    in[axis] = coords[axis] - starts[k];
    LoopExpr* part = At(node->inputs[k], in);
    // Below the next start; parts in front of it are asked first.
    value = value ? Guard({{starts[k + 1] - Dim(1) - coords[axis]}}, part, value) : part;
  }
  return value;
}

Coords LoopLowering::IndexedCoords(const Node* node, int first_index, const Coords& coords,
                                   const Shape& data) {
  Coords in(data.size());
  for (size_t j = 0; j < data.size(); ++j) {
    int axis = node->axes[j];
    if (axis >= 0) {
      in[j] = coords[axis];
      continue;
    }
    LoopExpr* index = At(node->inputs[first_index - axis - 1], coords);
    auto& all = p_->gathered;
    size_t k = 0;
    while (k < all.size() && !(all[k].index == index && all[k].limit == data[j])) ++k;
    if (k == all.size()) all.push_back({index, data[j]});
    in[j] = Dim::Symbol(kGatherSymbol + static_cast<int>(k));
  }
  return in;
}

// Loop variables over `extents`: those of the result that the coordinates leave free, so that a
// value at the result's point and under the reduction is one expression; else variables shared by
// all reductions.
std::vector<int> LoopLowering::ReduceVars(const Coords& coords, const std::vector<Dim>& extents) {
  VarSet taken = 0;
  for (const Dim& c : coords) taken |= p_->VarsOf(c);
  std::vector<int> vars;
  for (const Dim& e : extents) {
    int found = -1;
    for (int v = 0; v < static_cast<int>(p_->extents.size()) && found < 0; ++v) {
      if ((taken >> v & 1) == 0 && p_->extents[v] == e) found = v;
    }
    if (found < 0) found = p_->NewVar(e);
    taken |= VarSet{1} << found;
    vars.push_back(found);
  }
  return vars;
}

LoopExpr* LoopLowering::Reduction(const Node* node, std::vector<int> vars, LoopExpr* operand) {
  LoopExpr* e = p_->NewExpr(LoopExpr::Kind::kReduce, node->type.dtype);
  e->reduce = IsProduct(node) ? ReduceKind::kSum : node->reduce;
  e->select_last = (node->flags & kSelectLast) != 0;
  e->used = operand->used;
  for (int v : vars) e->used &= ~(VarSet{1} << v);
  std::sort(vars.begin(), vars.end());
  e->vars = std::move(vars);
  e->args = {operand};
  return e;
}

LoopExpr* LoopLowering::LowerReduce(const Node* node, const Coords& coords) {
  const Node* x = node->inputs[0];
  std::vector<bool> reduced(x->rank());
  for (int a : node->axes) reduced[a] = true;
  std::vector<Dim> extents;
  for (int k = 0; k < x->rank(); ++k) {
    if (reduced[k] && !x->shape()[k].IsConst(1)) extents.push_back(x->shape()[k]);
  }
  std::vector<int> vars = ReduceVars(coords, extents);
  Coords in(x->rank());
  size_t next_var = 0, next_coord = 0;
  for (int k = 0; k < x->rank(); ++k) {
    if (!reduced[k]) in[k] = coords[next_coord++];
    else if (!x->shape()[k].IsConst(1)) in[k] = LoopVar(vars[next_var++]);
  }
  LoopExpr* operand = At(x, in);
  bool arg = node->reduce == ReduceKind::kArgMax || node->reduce == ReduceKind::kArgMin;
  if (!arg && operand->dtype != node->type.dtype)
    operand = Map(ScalarOp::kCast, node->type.dtype, {operand});
  LoopExpr* e = Reduction(node, vars, operand);
  if (arg) e->hit = in[node->axes[0]];
  return e;
}

Coords LoopLowering::WindowCoords(const Node* node, const Coords& coords,
                                  const std::vector<Dim>& taps,
                                  std::vector<LoopCondition>* conditions) {
  const Shape& x = node->inputs[0]->shape();
  const Window& w = *node->window;
  Coords in(x.size());
  in[0] = coords[0];
  for (size_t s = 0; s < w.kernel.size(); ++s) {
    in[s + 1] = coords[s + 1] * Dim(w.strides[s]) + taps[s] * Dim(w.dilations[s]) - w.pads_lo[s];
    conditions->push_back({in[s + 1]});
    conditions->push_back({x[s + 1] - Dim(1) - in[s + 1]});
  }
  return in;
}

LoopExpr* LoopLowering::LowerPool(const Node* node, const Coords& coords) {
  const Shape& x = node->inputs[0]->shape();
  std::vector<int> vars;
  Shape kernel(node->window->kernel.begin(), node->window->kernel.end());
  Coords taps = FreshVars(kernel, &vars);
  std::vector<LoopCondition> conditions;
  Coords in = WindowCoords(node, coords, taps, &conditions);
  in.back() = coords.back();
  LoopExpr* operand = At(node->inputs[0], in);
  bool arg = node->reduce == ReduceKind::kArgMax || node->reduce == ReduceKind::kArgMin;
  LoopExpr* e = Reduction(node, vars, Guard(std::move(conditions), operand, nullptr));
  if (arg) {
    Shape image(x.begin() + 1, x.end() - 1);
    e->hit = CoordsToLinear(Coords(in.begin() + 1, in.end() - 1), image);
  }
  return e;
}

LoopExpr* LoopLowering::LowerContract(const Node* node, const Coords& coords) {
  const Node *a = node->inputs[0], *b = node->inputs[1];
  DType acc = node->type.dtype;
  std::vector<int> vars;
  Coords k = FreshVars({a->shape().back()}, &vars);
  Coords at(coords.begin(), coords.end() - 2), bt = at;
  at.push_back(coords[coords.size() - 2]);
  at.push_back(k[0]);
  bt.push_back(k[0]);
  bt.push_back(coords.back());
  LoopExpr* x = Map(ScalarOp::kCast, acc, {At(a, at)});
  LoopExpr* y = Map(ScalarOp::kCast, acc, {At(b, bt)});
  return status_.ok() ? Reduction(node, vars, Map(ScalarOp::kMul, acc, {x, y})) : x;
}

LoopExpr* LoopLowering::LowerConv(const Node* node, const Coords& coords) {
  const Node *x = node->inputs[0], *w = node->inputs[1];
  DType acc = node->type.dtype;
  size_t spatial = node->window->kernel.size();
  const Dim& channels = w->shape()[spatial];  // C / groups
  std::vector<int> vars;
  Shape kernel(node->window->kernel.begin(), node->window->kernel.end());
  Coords taps = FreshVars(kernel, &vars);
  Coords c = FreshVars({channels}, &vars);
  std::vector<LoopCondition> conditions;
  Coords in = WindowCoords(node, coords, taps, &conditions);
  Dim group;
  if (node->window->groups != 1)
    group = FloorDiv(coords.back(), FloorDiv(w->shape().back(), node->window->groups));
  in.back() = group * channels + c[0];
  Coords wt = taps;
  wt.push_back(c[0]);
  wt.push_back(coords.back());
  LoopExpr* xs = Map(ScalarOp::kCast, acc, {At(x, in)});
  LoopExpr* ws = Map(ScalarOp::kCast, acc, {At(w, wt)});
  if (!status_.ok()) return xs;
  if (node->window->fill == 0) {
    return Reduction(node, vars,
                     Guard(std::move(conditions), Map(ScalarOp::kMul, acc, {xs, ws}), nullptr));
  }
  LoopExpr* fill = p_->NewExpr(LoopExpr::Kind::kConst, acc);
  fill->literal = LiteralFromInts(acc, {}, {node->window->fill});
  xs = Guard(std::move(conditions), xs, fill);
  return Reduction(node, vars, Map(ScalarOp::kMul, acc, {xs, ws}));
}

Result<LoopProgram> LowerToLoops(const Graph& fragment, const std::optional<ResultPlace>& place) {
  if (fragment.outputs.size() != 1)
    return NotSupported("a loop fragment with {} outputs", fragment.outputs.size());
  LoopProgram program;
  LoopLowering lowering(&program, static_cast<int>(fragment.inputs.size()));
  const Node* root = fragment.outputs[0];
  program.output = root->type.dtype;
  program.output_buffer = static_cast<int>(fragment.inputs.size());
  while (!place && root->op == Op::kReshape) root = root->inputs[0];  // dense in, dense out
  bool parts = root->op == Op::kConcat;
  Dim start;
  for (const Node* part : parts ? root->inputs : std::vector<Node*>{const_cast<Node*>(root)}) {
    LoopNest nest;
    Coords coords = lowering.FreshVars(part->shape(), &nest.vars);
    nest.root = lowering.At(part, coords);
    if (parts) {
      int axis = root->axes[0];
      coords[axis] = coords[axis] + start;
      start = start + part->shape()[axis];
    }
    if (place) coords[place->axis] = coords[place->axis] + place->first;
    nest.store = CoordsToLinear(coords, place ? place->whole : root->shape());
    program.nests.push_back(std::move(nest));
  }
  if (!lowering.status().ok()) return lowering.status();
  CollapseLoops(&program);
  return program;
}

}  // namespace belay
