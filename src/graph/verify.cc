// What a legal core graph is, op by op.
#include "graph/graph.h"

namespace belay {
namespace {

Status Bad(const Node& node, const std::string& what) {
  return Internal("node {} '{}' ({}): {}", node.id, node.name, static_cast<int>(node.op), what);
}

Status WantInputs(const Node& node, size_t least, size_t most) {
  if (node.inputs.size() >= least && node.inputs.size() <= most) return OkStatus();
  return Bad(node, fmt::format("has {} inputs, but {} to {} are legal", node.inputs.size(), least, most));
}

Status WantAxes(const Node& node, size_t count, int rank) {
  if (node.axes.size() != count) return Bad(node, fmt::format("has {} axes, not {}", node.axes.size(), count));
  for (int a : node.axes) {
    if (a >= rank) return Bad(node, fmt::format("axis {} is outside rank {}", a, rank));
  }
  return OkStatus();
}

Status CheckMap(const Node& node) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 3));
  const bool compares = node.scalar >= ScalarOp::kEq && node.scalar <= ScalarOp::kGe;
  const size_t first = node.scalar == ScalarOp::kSelect ? 1 : 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i]->shape() != node.shape()) {
      return Bad(node, fmt::format("operand {} has shape {}, the result {}", i,
                                   ToString(node.inputs[i]->shape()), ToString(node.shape())));
    }
    if (i > first && node.inputs[i]->type.dtype != node.inputs[first]->type.dtype) {
      return Bad(node, "operands differ in dtype");
    }
  }
  if (first && node.inputs[0]->type.dtype != DType::kBool) return Bad(node, "the condition is not bool");
  if (compares && node.type.dtype != DType::kBool) return Bad(node, "a comparison must give bool");
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
      if (node.shape()[d] != x.shape()[node.axes[d]]) return Bad(node, "the shape does not follow the permutation");
    }
  }
  if (node.op == Op::kBroadcast) {
    for (int d = 0; d < node.rank(); ++d) {
      if (!x.shape()[d].IsConst(1) && x.shape()[d] != node.shape()[d]) {
        return Bad(node, fmt::format("{} does not broadcast to {}", ToString(x.shape()), ToString(node.shape())));
      }
    }
  }
  if (node.op == Op::kSlice || node.op == Op::kPad) {
    const size_t rank = x.shape().size();
    if (node.starts.size() != rank || node.steps.size() != rank) return Bad(node, "starts and steps miss dims");
  }
  return OkStatus();
}

Status CheckContract(const Node& node) {
  BELAY_RETURN_IF_ERROR(WantInputs(node, 2, 2));
  const Node &a = *node.inputs[0], &b = *node.inputs[1];
  const int rank = node.rank();
  if (rank < 2 || a.rank() != rank || b.rank() != rank) return Bad(node, "operands and result differ in rank");
  for (int d = 0; d < rank - 2; ++d) {
    if (a.shape()[d] != node.shape()[d] || b.shape()[d] != node.shape()[d]) return Bad(node, "batch dims differ");
  }
  const bool fits = a.shape()[rank - 2] == node.shape()[rank - 2] && b.shape()[rank - 1] == node.shape()[rank - 1];
  return fits ? OkStatus() : Bad(node, "rows and columns do not follow the operands");
}

Status CheckNode(const Node& node) {
  switch (node.op) {
    case Op::kInput: return WantInputs(node, 0, 0);
    case Op::kConst:
      return node.literal && node.literal->dtype == node.type.dtype ? OkStatus() : Bad(node, "no matching literal");
    case Op::kIota: return WantAxes(node, 1, node.rank());
    case Op::kDims: return IsStatic(node.shape()) ? OkStatus() : Bad(node, "the shape must be static");
    case Op::kMap: return CheckMap(node);
    case Op::kReshape:
    case Op::kTranspose:
    case Op::kBroadcast:
    case Op::kSlice:
    case Op::kPad: return CheckView(node);
    case Op::kConcat: return WantAxes(node, 1, node.rank());
    case Op::kGather:
      BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 64));
      return WantAxes(node, node.inputs[0]->shape().size(), node.rank());
    case Op::kScatter:
      BELAY_RETURN_IF_ERROR(WantInputs(node, 2, 64));
      return WantAxes(node, node.shape().size(), node.inputs[1]->rank());
    case Op::kReduce:
      BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 1));
      if (node.rank() + static_cast<int>(node.axes.size()) != node.inputs[0]->rank()) {
        return Bad(node, "the rank does not follow the axes");
      }
      return WantAxes(node, node.axes.size(), node.inputs[0]->rank());
    case Op::kScan:
      BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 1));
      return WantAxes(node, 1, node.rank());
    case Op::kPool: BELAY_RETURN_IF_ERROR(WantInputs(node, 1, 1)); break;
    case Op::kConv: BELAY_RETURN_IF_ERROR(WantInputs(node, 2, 2)); break;
    case Op::kContract: return CheckContract(node);
    case Op::kGetOutput: return WantInputs(node, 1, 1);
    case Op::kCall: return node.callee.empty() ? Bad(node, "no callee") : OkStatus();
    case Op::kIf:
    case Op::kWhile:
      return node.subgraphs.size() == 2 ? OkStatus() : Bad(node, "needs two subgraphs");
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
  const bool fits = node.window->kernel.size() == spatial && node.window->strides.size() == spatial &&
                    node.window->dilations.size() == spatial && node.window->pads_lo.size() == spatial;
  return fits ? OkStatus() : Bad(node, "the window does not have one entry per spatial dim");
}

}  // namespace

Status VerifyGraph(const Graph& graph) {
  if (graph.outputs.empty()) return Internal("the graph has no outputs");
  for (const Node* output : graph.outputs) {
    if (!output) return Internal("an output is missing");
  }
  std::vector<char> seen(graph.size(), 0);
  for (const Node* node : TopologicalOrder(graph)) {
    for (const Node* in : node->inputs) {
      if (!in) return Bad(*node, "an input is missing");
      if (!seen[in->id]) return Bad(*node, "it is part of a cycle");
    }
    seen[node->id] = 1;
    BELAY_RETURN_IF_ERROR(CheckNode(*node));
  }
  return OkStatus();
}

}  // namespace belay
