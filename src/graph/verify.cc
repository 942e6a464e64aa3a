// What a legal core graph is, op by op.
#include <algorithm>
#include <utility>

#include "base/narrow.h"
#include "graph/graph.h"

namespace belay {
namespace {

Status Bad(const Node& node, const std::string& what) {
  return Internal("node {} '{}' ({}): {}", node.id, node.name, static_cast<int>(node.op), what);
}

Status WantInputs(const Node& node, size_t least, size_t most) {
  if (node.inputs.size() >= least && node.inputs.size() <= most) return OkStatus();
  return Bad(node,
             fmt::format("has {} inputs, but {} to {} are legal", node.inputs.size(), least, most));
}

Status WantAxes(const Node& node, size_t count, int rank) {
  if (node.axes.size() != count)
    return Bad(node, fmt::format("has {} axes, not {}", node.axes.size(), count));
  for (int a : node.axes) {
    if (a < 0 || a >= rank) return Bad(node, fmt::format("axis {} is outside rank {}", a, rank));
  }
  return OkStatus();
}

int MapArity(ScalarOp op) {
  if (op == ScalarOp::kSelect || op == ScalarOp::kFma) return 3;
  return op <= ScalarOp::kGe ? 2 : 1;
}

DType MapResult(const Node& node) {
  const bool compares = node.scalar >= ScalarOp::kEq && node.scalar <= ScalarOp::kGe;
  if (compares || node.scalar == ScalarOp::kIsNan || node.scalar == ScalarOp::kIsInf)
    return DType::kBool;
  if (node.scalar == ScalarOp::kCast || node.scalar == ScalarOp::kBitcast) return node.type.dtype;
  return node.inputs[node.scalar == ScalarOp::kSelect ? 1 : 0]->type.dtype;
}

Status CheckMap(const Node& node) {
  const size_t arity = static_cast<size_t>(MapArity(node.scalar));
  BELAY_RETURN_IF_ERROR(WantInputs(node, arity, arity));
  const size_t first = node.scalar == ScalarOp::kSelect ? 1 : 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i]->shape() != node.shape()) {
      return Bad(node, fmt::format("operand {} has shape {}, the result {}", i,
                                   ToString(node.inputs[i]->shape()), ToString(node.shape())));
    }
    if (i > first && node.inputs[i]->type.dtype != node.inputs[first]->type.dtype) {
      return Bad(node,
                 fmt::format("operands are {} and {}", DTypeName(node.inputs[first]->type.dtype),
                             DTypeName(node.inputs[i]->type.dtype)));
    }
  }
  if (first && node.inputs[0]->type.dtype != DType::kBool)
    return Bad(node, "the condition is not bool");
  if (node.type.dtype != MapResult(node)) {
    return Bad(node, fmt::format("the result is {}, but must be {}", DTypeName(node.type.dtype),
                                 DTypeName(MapResult(node))));
  }
  if (node.scalar == ScalarOp::kBitcast &&
      BitWidth(StorageOf(node.type.dtype)) != BitWidth(StorageOf(node.inputs[0]->type.dtype))) {
    return Bad(node, "a bitcast changes the width");
  }
  return OkStatus();
}

Status CheckConcat(const Node& node) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 100000));
  BELAY_RETURN_IF_ERROR(WantAxes(node, 1, node.rank()));
  for (const Node* in : node.inputs) {
    if (in->type.dtype != node.type.dtype || in->rank() != node.rank()) {
      return Bad(node, "parts differ in dtype or rank");
    }
    for (int d = 0; d < node.rank(); ++d) {
      if (d != node.axes[0] && in->shape()[d] != node.shape()[d]) {
        return Bad(node, fmt::format("a part has extent {} in dim {}, the result {}",
                                     in->shape()[d].ToString(), d, node.shape()[d].ToString()));
      }
    }
  }
  return OkStatus();
}

// kGather (first = 1) and kScatter (first = 2): axes and indices over the space `space`.
Status CheckIndices(const Node& node, size_t first, const Shape& space) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, first, 64));
  const Node& data = *node.inputs[0];
  if (data.type.dtype != node.type.dtype)
    return Bad(node, "the data and the result differ in dtype");
  if (static_cast<int>(node.axes.size()) != data.rank())
    return Bad(node, "not one axis per dim of the data");
  const int indices = static_cast<int>(node.inputs.size() - first);
  for (int axis : node.axes) {
    if (axis >= static_cast<int>(space.size()) || axis < -indices) {
      return Bad(node,
                 fmt::format("axis {} names neither a dim nor one of {} indices", axis, indices));
    }
  }
  for (size_t i = first; i < node.inputs.size(); ++i) {
    const TensorType& type = node.inputs[i]->type;
    if (type.dtype != DType::kI32 && type.dtype != DType::kI64) {
      return Bad(node,
                 fmt::format("indices are {}, but must be i32 or i64", DTypeName(type.dtype)));
    }
    if (type.shape != space) return Bad(node, "indices have another shape");
  }
  return OkStatus();
}

Status CheckReduce(const Node& node) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 1));
  const Node& x = *node.inputs[0];
  BELAY_RETURN_IF_ERROR(WantAxes(node, node.axes.size(), x.rank()));
  Shape rest;
  for (int d = 0; d < x.rank(); ++d) {
    if (std::count(node.axes.begin(), node.axes.end(), d) == 0) rest.push_back(x.shape()[d]);
  }
  if (rest != node.shape()) return Bad(node, "the shape does not follow the axes");
  const bool arg = node.reduce == ReduceKind::kArgMax || node.reduce == ReduceKind::kArgMin;
  if (arg && node.axes.size() != 1) return Bad(node, "an index is found along one axis");
  if (node.type.dtype != (arg ? DType::kI64 : x.type.dtype))
    return Bad(node, "the result has another dtype");
  return node.reduce == ReduceKind::kNone ? Bad(node, "no kind of reduction") : OkStatus();
}

Status CheckSubgraphs(const Node& node) {
  if (node.subgraphs.size() != 2) return Bad(node, "needs two subgraphs");
  const size_t captures = node.op == Op::kIf ? node.inputs.size() - 1 : node.inputs.size();
  for (const auto& sub : node.subgraphs) {
    if (sub->inputs.size() != captures) {
      return Bad(node, fmt::format("a subgraph has {} inputs, but {} values come in",
                                   sub->inputs.size(), captures));
    }
    if (!sub->stores.empty()) return Bad(node, "a subgraph stores to its inputs");
    BELAY_RETURN_IF_ERROR(VerifyGraph(*sub));
  }
  if (node.op == Op::kWhile && node.subgraphs[1]->outputs.size() != node.inputs.size()) {
    return Bad(node, "the body does not give every carried value");
  }
  return OkStatus();
}

Status CheckView(const Node& node) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, 1, node.op == Op::kPad ? 2 : 1));
  const Node& x = *node.inputs[0];
  if (x.type.dtype != node.type.dtype) return Bad(node, "a view changes the dtype");
  if (node.op == Op::kReshape) return OkStatus();
  if (x.rank() != node.rank()) return Bad(node, "a view changes the rank");
  if (node.op == Op::kTranspose) {
    BELAY_RETURN_IF_ERROR(WantAxes(node, x.shape().size(), x.rank()));
    for (int d = 0; d < node.rank(); ++d) {
      if (std::count(node.axes.begin(), node.axes.end(), d) != 1)
        return Bad(node, "axes are no permutation");
      if (node.shape()[d] != x.shape()[node.axes[d]])
        return Bad(node, "the shape does not follow the permutation");
    }
  }
  if (node.op == Op::kBroadcast) {
    for (int d = 0; d < node.rank(); ++d) {
      if (!x.shape()[d].IsConst(1) && x.shape()[d] != node.shape()[d]) {
        return Bad(node, fmt::format("{} does not broadcast to {}", ToString(x.shape()),
                                     ToString(node.shape())));
      }
    }
  }
  if (node.op == Op::kSlice || node.op == Op::kPad) {
    const size_t rank = x.shape().size();
    if (node.starts.size() != rank || node.steps.size() != rank)
      return Bad(node, "starts and steps miss dims");
  }
  return OkStatus();
}

Status CheckContract(const Node& node) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, 2, 2));
  const Node &a = *node.inputs[0], &b = *node.inputs[1];
  const int rank = node.rank();
  if (rank < 2 || a.rank() != rank || b.rank() != rank)
    return Bad(node, "operands and result differ in rank");
  for (int d = 0; d < rank - 2; ++d) {
    if (a.shape()[d] != node.shape()[d] || b.shape()[d] != node.shape()[d])
      return Bad(node, "batch dims differ");
  }
  const bool fits = a.shape()[rank - 2] == node.shape()[rank - 2] &&
                    b.shape()[rank - 1] == node.shape()[rank - 1];
  return fits ? OkStatus() : Bad(node, "rows and columns do not follow the operands");
}

// `node` overwrites its home: nothing may read that afterwards, and its own kernel only in ways that CanOverwrite
// allows.
Status CheckHome(const Graph& graph, const Node& node) {
  const Node* home = node.home;
  if (node.op != Op::kFused) return Bad(node, "only a kernel has a home");
  if (home->op != Op::kInput && !home->home) return Bad(node, "its home has no memory to give away");
  if (home->type.dtype != node.type.dtype || NumElements(home->shape()) != NumElements(node.shape())) {
    return Bad(node, "its home holds another number of bytes");
  }
  for (const Node* output : graph.outputs) {
    if (ThroughReshapes(output) == home) return Bad(node, "an output reads its home later");
  }
  for (const Store& s : graph.stores) {
    if (ThroughReshapes(s.value) == home) return Bad(node, "a store reads its home later");
  }
  const std::vector<char> before = Ancestors(graph, &node);
  for (const Node* other : TopologicalOrder(graph)) {
    if (other != &node && other->home == home) return Bad(node, "its home is another kernel's, too");
    for (size_t i = 0; i < other->inputs.size(); ++i) {
      if (other->op == Op::kReshape || ThroughReshapes(other->inputs[i]) != home) continue;
      if (other != &node && !before[other->id]) return Bad(node, "its home is read later");
      if (other == &node && !CanOverwrite(*node.subgraphs[0], static_cast<int>(i))) {
        return Bad(node, "the kernel reads its home after writing there");
      }
    }
  }
  return OkStatus();
}

Status CheckStores(const Graph& graph) {
  std::vector<char> stored(graph.inputs.size(), 0);
  for (const Store& s : graph.stores) {
    if (!s.value) return Internal("a store has no value");
    if (s.input < 0 || s.input >= static_cast<int>(graph.inputs.size())) {
      return Internal("a store goes to input {} of {}", s.input, graph.inputs.size());
    }
    if (std::exchange(stored[s.input], 1)) return Internal("input {} is stored to twice", s.input);
    const TensorType& type = graph.inputs[s.input]->type;
    if (s.value->type != type) {
      return Internal("a store of {} to input {}, which is {}", ToString(s.value->type), s.input, ToString(type));
    }
  }
  return OkStatus();
}

Status CheckNode(const Node& node) {
  switch (node.op) {
    case Op::kInput: return WantInputs(node, 0, 0);
    case Op::kConst:
      return node.literal && node.literal->dtype == node.type.dtype
                 ? OkStatus()
                 : Bad(node, "no matching literal");
    case Op::kIota: return WantAxes(node, 1, node.rank());
    case Op::kDims:
      return IsStatic(node.shape()) ? OkStatus() : Bad(node, "the shape must be static");
    case Op::kMap: return CheckMap(node);
    case Op::kReshape:
    case Op::kTranspose:
    case Op::kBroadcast:
    case Op::kSlice:
    case Op::kPad: return CheckView(node);
    case Op::kConcat: return CheckConcat(node);
    case Op::kGather: return CheckIndices(node, 1, node.shape());
    case Op::kScatter:
      BELAY_RETURN_IF_ERROR(WantInputs(node, 2, 64));
      if (node.inputs[1]->type.dtype != node.type.dtype)
        return Bad(node, "updates have another dtype");
      return CheckIndices(node, 2, node.inputs[1]->shape());
    case Op::kReduce: return CheckReduce(node);
    case Op::kScan:
      BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 1));
      return WantAxes(node, 1, node.rank());
    case Op::kPool: BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 1)); break;
    case Op::kConv: BELAY_RETURN_IF_ERROR(WantInputs(node, 2, 2)); break;
    case Op::kContract: return CheckContract(node);
    case Op::kGetOutput: return WantInputs(node, 1, 1);
    case Op::kCall: return node.callee.empty() ? Bad(node, "no callee") : OkStatus();
    case Op::kIf: BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 100000)); return CheckSubgraphs(node);
    case Op::kWhile: return CheckSubgraphs(node);
    case Op::kFused: break;
  }
  if (node.op == Op::kFused) {
    if (node.subgraphs.size() != 1) return Bad(node, "needs one fragment");
    const Graph& fragment = *node.subgraphs[0];
    if (fragment.inputs.size() != node.inputs.size() || fragment.outputs.size() != 1) {
      return Bad(node, "the fragment's inputs or outputs do not match");
    }
    return VerifyGraph(fragment);
  }
  if (!node.window) return Bad(node, "no window");
  const size_t spatial = node.shape().size() - 2;
  const bool fits =
      node.window->kernel.size() == spatial && node.window->strides.size() == spatial &&
      node.window->dilations.size() == spatial && node.window->pads_lo.size() == spatial;
  if (!fits) return Bad(node, "the window does not have one entry per spatial dim");
  const DType x = node.inputs[0]->type.dtype;
  if (node.window->fill != 0 && !(x == DType::kI8 || x == DType::kU8)) {
    return Bad(node, "only windows over bytes are filled with something else than 0");
  }
  return OkStatus();
}

}  // namespace

Status VerifyGraph(const Graph& graph) {
  for (const Node* output : graph.outputs) {
    if (!output) return Internal("an output is missing");
  }
  BELAY_RETURN_IF_ERROR(CheckStores(graph));
  std::vector<char> seen(graph.size(), 0);
  for (const Node* node : TopologicalOrder(graph)) {
    for (const Node* in : node->inputs) {
      if (!in) return Bad(*node, "an input is missing");
      if (!seen[in->id]) return Bad(*node, "it is part of a cycle");
    }
    seen[node->id] = 1;
    BELAY_RETURN_IF_ERROR(CheckNode(*node));
    if (node->home) BELAY_RETURN_IF_ERROR(CheckHome(graph, *node));
  }
  return OkStatus();
}

}  // namespace belay
