#include "compile/place_parts.h"

#include <algorithm>
#include <functional>

#include "base/dtype.h"
#include "graph/builder.h"
#include "graph/strided.h"

namespace belay {
namespace {

// Kernels of these write rows of the result at any distance.
bool WritesAnywhere(const Graph& fragment) {
  const auto scans = [](const auto& n) { return n->op == Op::kScan || n->op == Op::kScatter || n->op == Op::kCall; };
  if (std::any_of(fragment.nodes().begin(), fragment.nodes().end(), scans)) return false;
  const Node* root = fragment.outputs[0];
  return root->op == Op::kMap || root->op == Op::kGather || root->op == Op::kPool || root->op == Op::kTranspose ||
         IsProduct(root);
}

// The fragment reads rows of this input at any distance as well as side by side.
bool ReadsAnywhere(const Graph& fragment, const Node* input) {
  for (const auto& n : fragment.nodes()) {
    for (size_t i = 0; i < n->inputs.size(); ++i) {
      if (n->inputs[i] != input) continue;
      const bool image = (n->op == Op::kConv || n->op == Op::kPool) && i == 0;
      const bool any = n->op == Op::kMap || n->op == Op::kSlice || n->op == Op::kConcat || n->op == Op::kReduce;
      if (!image && !any) return false;
    }
  }
  return std::find(fragment.outputs.begin(), fragment.outputs.end(), input) == fragment.outputs.end();
}

class Placer {
 public:
  explicit Placer(const Graph& graph)
      : graph_(graph), order_(TopologicalOrder(graph)), readers_(graph.size()), has_own_memory_(graph.size(), 0) {
    for (const Node* n : order_) {
      for (const Node* in : n->inputs) readers_[in->id].push_back(n);
      if (n->home != nullptr) has_own_memory_[n->id] = has_own_memory_[n->home->id] = 1;
    }
    const auto keep = [&](const Node* n) { has_own_memory_[n->id] = has_own_memory_[ThroughReshapes(n)->id] = 1; };
    for (const Node* n : graph.outputs) keep(n);
    for (const Store& s : graph.stores) keep(s.value);
  }

  Parts Run() {
    for (const Node* n : order_) {
      if (n->op == Op::kFused && n->subgraphs[0]->outputs[0]->op == Op::kConcat) PlaceOperands(n);
    }
    return std::move(parts_);
  }

 private:
  void PlaceOperands(const Node* whole) {
    if (has_own_memory_[whole->id] || BitWidth(whole->type.dtype) < 8 || !IsKnownAtOnce(whole->shape())) return;
    const Node* concat = whole->subgraphs[0]->outputs[0];
    const int axis = concat->axes[0];
    std::map<const Node*, Part> placed;
    std::vector<CopiedOperand> copied;
    Dim first;
    for (const Node* operand : concat->inputs) {
      const Node* writer = WriterOf(*whole, operand, axis, first);
      if (writer != nullptr && placed.count(writer) == 0 && parts_.by_writer.count(writer) == 0) {
        // Rows stay rows under another shape.
        ResultPlace place{writer->shape(), axis == concat->rank() - 1 ? writer->rank() - 1 : axis, first};
        place.whole[static_cast<size_t>(place.axis)] = concat->shape()[static_cast<size_t>(axis)];
        placed[writer] = {whole, std::move(place)};
      } else {
        copied.push_back({operand, {concat->shape(), axis, first}});
      }
      first = first + operand->shape()[static_cast<size_t>(axis)];
    }
    // Each operand that is left takes a step of its own.
    if (placed.empty() || copied.size() > placed.size()) return;
    parts_.by_writer.merge(placed);
    parts_.copied[whole] = std::move(copied);
  }

  // Before anything has run: the first part takes memory for all.
  bool IsKnownAtOnce(const Shape& shape) const {
    std::vector<int> ids;
    for (const Dim& d : shape) d.CollectSymbols(&ids);
    return std::all_of(ids.begin(), ids.end(), [&](int id) { return graph_.symbols[id].input >= 0; });
  }

  // Who can write the operand into its place, which begins at `first`; nullptr: nobody.
  const Node* WriterOf(const Node& whole, const Node* operand, int axis, const Dim& first) const {
    const Node* input = ThroughReshapes(operand);
    if (input->op != Op::kInput) return nullptr;
    const Node* source = whole.inputs[static_cast<size_t>(input->index)];
    const Node* writer = ThroughReshapes(source);
    if (writer->op != Op::kFused || has_own_memory_[writer->id]) return nullptr;
    if (!WritesAnywhere(*writer->subgraphs[0])) return nullptr;
    const Shape& shape = operand->shape();
    const bool is_last = axis == operand->rank() - 1;
    if (is_last) {
      if (writer->rank() == 0 || writer->shape().back() != shape.back()) return nullptr;
      // A line that two kernels write goes to memory and back between them.
      if (!FillLines(whole.type.dtype, first) || !FillLines(whole.type.dtype, shape.back())) return nullptr;
    } else {
      const auto is_one = [](const Dim& d) { return d.IsConst(1); };
      if (writer->shape() != shape || !std::all_of(shape.begin(), shape.begin() + axis, is_one)) return nullptr;
    }
    for (const Node* reader : readers_[writer->id]) {
      if (!CanRead(*reader, writer, whole, source)) return nullptr;
    }
    return ReadsOnce(whole, source) ? writer : nullptr;
  }

  // `source`: what the concatenation reads, the writer or another shape of it.
  bool CanRead(const Node& reader, const Node* writer, const Node& whole, const Node* source) const {
    if (&reader == source) return source->inputs[0] == writer && readers_[source->id].size() == 1;
    if (&reader == &whole) return source == writer;
    if (reader.op != Op::kFused) return false;
    const Graph& fragment = *reader.subgraphs[0];
    for (size_t k = 0; k < reader.inputs.size(); ++k) {
      if (reader.inputs[k] == writer && !ReadsAnywhere(fragment, fragment.inputs[k])) return false;
    }
    return true;
  }

  // As one operand of the concatenation, and nowhere else.
  static bool ReadsOnce(const Node& whole, const Node* source) {
    const Graph& fragment = *whole.subgraphs[0];
    int64_t reads = 0;
    for (size_t k = 0; k < whole.inputs.size(); ++k) {
      if (whole.inputs[k] == source) reads += UseCounts(fragment)[fragment.inputs[k]->id];
    }
    return reads == 1;
  }

  const Graph& graph_;
  const std::vector<Node*> order_;
  std::vector<std::vector<const Node*>> readers_;  // by id
  std::vector<char> has_own_memory_;               // by id: a caller's, or an input's
  Parts parts_;
};

}  // namespace

Parts PlaceParts(const Graph& fused) { return Placer(fused).Run(); }

std::shared_ptr<const Graph> ReadPart(const Graph& fragment, int input, const ResultPlace& place) {
  std::shared_ptr<Graph> read = RewriteGraph(fragment, [&](Graph& out, const Node& node, const auto&) -> Node* {
    if (node.op != Op::kInput || node.index != input) return nullptr;
    Node* whole = out.AddInput(input, {node.type.dtype, place.whole}, node.name);
    Builder b(&out);
    return Slice(b.Wrap(whole), place.axis, place.first, node.shape()[static_cast<size_t>(place.axis)]).node();
  });
  return read;
}

std::shared_ptr<const Graph> FragmentOf(const Node* node, std::vector<int>* inputs) {
  auto fragment = std::make_shared<Graph>();
  std::map<const Node*, Node*> made;
  const std::function<Node*(const Node*)> make = [&](const Node* n) {
    Node*& copy = made[n];
    if (copy != nullptr) return copy;
    if (n->op == Op::kInput) {
      copy = fragment->AddInput(static_cast<int>(inputs->size()), n->type, n->name);
      inputs->push_back(n->index);
      return copy;
    }
    std::vector<Node*> in;
    for (const Node* i : n->inputs) in.push_back(make(i));
    return made[n] = CopyNode(*fragment, *n, in);
  };
  fragment->outputs = {make(node)};
  return fragment;
}

}  // namespace belay
