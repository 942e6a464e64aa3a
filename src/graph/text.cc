// The text form of core graphs; text_parse.cc reads it back, except for constants that are not
// printed whole.
#include <map>

#include "graph/graph.h"

namespace belay {
namespace {

constexpr int64_t kPrintedElements = 64;

const char* OpName(Op op) {
  static const char* const kNames[] = {
      "input",    "const", "iota",   "dims",   "map",     "reshape", "transpose", "broadcast",
      "slice",    "pad",   "concat", "gather", "scatter", "reduce",  "scan",      "pool",
      "contract", "conv",  "call",   "get",    "if",      "while",   "fused"};
  return kNames[static_cast<int>(op)];
}

template <typename T, typename Fn>
std::string List(const std::vector<T>& items, Fn text) {
  std::string out = "[";
  for (size_t i = 0; i < items.size(); ++i) out += (i ? "," : "") + text(items[i]);
  return out + "]";
}

std::string DimText(const Dim& d) { return d.ToString(); }
std::string IntText(int64_t v) { return std::to_string(v); }

std::string LiteralText(const Literal& literal) {
  const int64_t n = literal.NumElements();
  if (literal.dtype == DType::kString || n > kPrintedElements)
    return fmt::format("<{} elements>", n);
  std::vector<int64_t> ints = LiteralToInts(literal);
  if (!ints.empty()) return List(ints, IntText);
  return List(LiteralToDoubles(literal), [](double v) { return fmt::format("{}", v); });
}

std::string NodeText(const Node& node, const std::map<const Node*, std::string>& names) {
  std::string text = node.op == Op::kMap ? ScalarOpName(node.scalar) : OpName(node.op);
  if (node.op == Op::kCall) text += "." + node.callee;
  text += "(";
  for (size_t i = 0; i < node.inputs.size(); ++i)
    text += (i ? ", " : "") + names.at(node.inputs[i]);
  text += ")";
  if (node.op == Op::kConst) text += " value=" + LiteralText(*node.literal);
  if (node.reduce != ReduceKind::kNone) text += std::string(" kind=") + ReduceKindName(node.reduce);
  if (node.flags) text += fmt::format(" flags={}", node.flags);
  if (node.op == Op::kGetOutput) text += fmt::format(" index={}", node.index);
  if (!node.axes.empty()) text += " axes=" + List(node.axes, IntText);
  if (!node.starts.empty()) text += " starts=" + List(node.starts, DimText);
  if (!node.steps.empty()) text += " steps=" + List(node.steps, DimText);
  if (node.window) {
    const Window& w = *node.window;
    text += " kernel=" + List(w.kernel, IntText) + " strides=" + List(w.strides, IntText) +
            " dilations=" + List(w.dilations, IntText) + " pads=" + List(w.pads_lo, DimText) +
            fmt::format(" groups={}", w.groups);
    if (w.fill != 0) text += fmt::format(" fill={}", w.fill);
  }
  if (!node.call_types.empty()) {
    text += " types=" + List(node.call_types, [](const TensorType& t) { return ToString(t); });
  }
  if (!node.binds.empty()) text += " binds=" + List(node.binds, IntText);
  for (auto& [key, value] : node.attrs) text += fmt::format(" {}={}", key, value);
  if (node.home) text += " home=" + names.at(node.home);
  if (!node.control.empty()) {
    text += " after=" + List(node.control, [&](const Node* n) { return names.at(n); });
  }
  return text;
}

// Those that a condition says.
std::string GuardsText(const std::vector<Guard>& guards) {
  std::string text;
  for (const Guard& g : guards) {
    if (g.test) continue;
    text += (text.empty() ? " given " : ", ") + std::string(g.expected ? "" : "not ") + g.condition.ToString();
  }
  return text;
}

}  // namespace

std::string PrintGraph(const Graph& graph) {
  std::map<const Node*, std::string> names;
  std::string text = "(";
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    names[graph.inputs[i]] = fmt::format("x{}", i);
    text += fmt::format("{}x{}: {}", i ? ", " : "", i, ToString(graph.inputs[i]->type));
  }
  text += ")" + GuardsText(graph.guards) + " {\n";
  for (const Node* node : TopologicalOrder(graph)) {
    if (node->op == Op::kInput) continue;
    names[node] = fmt::format("v{}", node->id);
    text += fmt::format("  v{}: {} = {}", node->id, ToString(node->type), NodeText(*node, names));
    if (!node->name.empty()) text += "  # " + node->name;
    text += "\n";
    for (const auto& sub : node->subgraphs) {
      std::string inner = PrintGraph(*sub);
      for (size_t at = 0; (at = inner.find('\n', at)) != std::string::npos; at += 5)
        inner.replace(at, 1, "\n    ");
      text += "    " + inner + "\n";
    }
  }
  text += "  return";
  for (size_t i = 0; i < graph.outputs.size(); ++i)
    text += (i ? ", " : " ") + names[graph.outputs[i]];
  for (const Store& s : graph.stores) {
    text += fmt::format("\n  store x{} = {}", s.input, names[s.value]);
  }
  return text + "\n}";
}

}  // namespace belay
