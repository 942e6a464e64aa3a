// Fusion: decides which nodes run as one kernel and replaces each such set by a kFused node.
//  1. anchors: a contraction, convolution or pooling takes the views or the gate before it and the maps after it
//  2. loops: from the outputs upwards, maps, views and row reductions join the kernel of their consumers
// A kernel has one output; a value that two kernels need is written once, unless it is a mere view.
#include <algorithm>
#include <set>

#include "compile/passes/passes.h"
#include "graph/strided.h"

namespace belay {
namespace {

constexpr size_t kMaxGroup = 64;  // nodes; keeps kernels small enough to compile in milliseconds
constexpr size_t kMaxEpilogue = 40;

bool IsDenseSlice(const Node* n) {
  return n->op == Op::kSlice &&
         std::all_of(n->steps.begin(), n->steps.end(), [](const Dim& step) { return step.IsConst(1); });
}
bool IsAnchor(const Node* n) {
  return IsProduct(n) || n->op == Op::kPool;
}
bool IsOpaque(const Node* n) {
  return n->op == Op::kCall || n->op == Op::kIf || n->op == Op::kWhile || n->op == Op::kGetOutput;
}
bool IsScalarConst(const Node* n) {
  return n->op == Op::kConst && NumElements(n->shape()).IsConst(1) && n->type.dtype != DType::kString;
}
// Has a place in memory whatever the fusion decides.
bool IsBuffer(const Node* n) { return n->op == Op::kInput || n->op == Op::kConst; }
bool IsLeaf(const Node* n) { return n->op == Op::kIota || n->op == Op::kDims; }

// Worth writing to memory rather than computing once per use.
bool IsCostly(const Node* n) {
  if (n->op == Op::kGather || n->op == Op::kReduce) return true;
  if (n->op != Op::kMap) return false;
  switch (n->scalar) {
    case ScalarOp::kAdd:
    case ScalarOp::kSub:
    case ScalarOp::kMul:
    case ScalarOp::kMax:
    case ScalarOp::kMin:
    case ScalarOp::kCast:
    case ScalarOp::kSelect:
    case ScalarOp::kNeg:
    case ScalarOp::kNot:
    case ScalarOp::kAnd:
    case ScalarOp::kOr:
    case ScalarOp::kLt:
    case ScalarOp::kGe:
    case ScalarOp::kEq: return false;
    default: return true;
  }
}

// The number that n spreads; nullptr where it is anything else.
const Node* SpreadNumber(const Node* n) {
  while (n->op == Op::kBroadcast || n->op == Op::kReshape) n = n->inputs[0];
  return IsScalarConst(n) ? n : nullptr;
}

// Of a map of two operands, the one beside a number of f32 within [low, high]; nullptr otherwise.
const Node* BesideNumber(const Node* n, ScalarOp op, float low, float high) {
  if (!IsMap(n, op)) return nullptr;
  for (int side : {0, 1}) {
    const Node* number = SpreadNumber(n->inputs[side]);
    if (number == nullptr || number->type.dtype != DType::kF32) continue;
    const float value = number->literal->as<float>()[0];
    if (value >= low && value <= high) return n->inputs[1 - side];
  }
  return nullptr;
}

// A sigmoid, hard or not, or a view of one: nothing overflows by a product with it.
bool IsSigmoid(const Node* n) {
  while (IsView(n)) n = n->inputs[0];
  const Node* least = BesideNumber(n, ScalarOp::kMin, 0, 1);
  return IsMap(n, ScalarOp::kSigmoid) || (least && BesideNumber(least, ScalarOp::kMax, -1, 1));
}

// The operand of a cheap map whose other operands are one number each; nullptr otherwise.
Node* OnlyOperand(const Node* n) {
  if (n->op != Op::kMap || IsCostly(n)) return nullptr;
  Node* only = nullptr;
  for (Node* in : n->inputs) {
    if (SpreadNumber(in)) continue;
    if (only != nullptr) return nullptr;
    only = in;
  }
  return only;
}

// A few cheap maps of one narrower value, as bytes that are dequantised: every reader computes them again, which costs
// less than to write and to read the wide result.
bool IsWidened(const Node* n) {
  const Node* at = n;
  for (int depth = 0; depth < 4; ++depth) {
    at = OnlyOperand(at);
    if (at == nullptr) return false;
    if (BitWidth(at->type.dtype) < BitWidth(n->type.dtype)) return BitWidth(at->type.dtype) >= 8;
  }
  return false;
}

struct Group {
  Node* root = nullptr;
  std::vector<Node*> nodes;
  bool closed = false;              // an anchor's, or a scatter's: nothing may join
  std::string note;                 // why the result is written to memory
  const Node* reduce = nullptr;     // its first reduction: fixes the rows of the kernel
};

class Fuser {
 public:
  explicit Fuser(const Graph& graph)
      : graph_(graph), order_(TopologicalOrder(graph)), groups_of_(graph.size()),
        consumers_(graph.size()), position_(graph.size(), 0), is_output_(graph.size(), 0),
        is_operand_(graph.size(), 0) {
    for (size_t i = 0; i < order_.size(); ++i) {
      position_[order_[i]->id] = static_cast<int>(i);
      for (Node* in : order_[i]->inputs) {
        auto& list = consumers_[in->id];
        if (list.empty() || list.back() != order_[i]) list.push_back(order_[i]);
      }
    }
    for (Node* output : graph.outputs) is_output_[output->id] = 1;
    for (const Store& s : graph.stores) is_output_[s.value->id] = 1;
  }

  std::unique_ptr<Graph> Run() {
    for (Node* node : order_) {
      if (IsAnchor(node)) FuseAnchor(node);
    }
    for (size_t i = order_.size(); i-- > 0;) Place(order_[i]);
    return Emit();
  }

 private:
  bool InGroup(const Node* n, int g) const {
    const auto& list = groups_of_[n->id];
    return std::find(list.begin(), list.end(), g) != list.end();
  }

  void Join(Node* n, int g) {
    groups_of_[n->id].push_back(g);
    groups_[g].nodes.push_back(n);
  }

  int NewGroup(Node* root) {
    groups_.push_back({});
    groups_.back().root = root;
    Join(root, static_cast<int>(groups_.size()) - 1);
    return static_cast<int>(groups_.size()) - 1;
  }

  // Nodes that depend on `anchor`.
  std::vector<char> Descendants(const Node* anchor) const {
    std::vector<char> depends(graph_.size(), 0);
    depends[anchor->id] = 1;
    for (size_t i = position_[anchor->id]; i < order_.size(); ++i) {
      for (const Node* in : order_[i]->inputs) {
        if (depends[in->id]) depends[order_[i]->id] = 1;
      }
    }
    return depends;
  }

  // An epilogue operand: a buffer, or one spread along some dims.
  static Node* OperandBase(Node* n) {
    if (n->op == Op::kBroadcast) n = n->inputs[0];
    while (n->op == Op::kReshape) n = n->inputs[0];
    return n;
  }

  void FuseAnchor(Node* anchor) {
    const std::vector<char> depends = Descendants(anchor);
    // Grow through maps of the anchor's shape; remember the longest prefix with a single way out.
    std::vector<Node*> members{anchor}, best{anchor};
    std::set<const Node*> inside{anchor};
    for (size_t i = position_[anchor->id] + 1; i < order_.size() && members.size() < kMaxEpilogue; ++i) {
      Node* n = order_[i];
      if (n->op != Op::kMap || n->shape() != anchor->shape() || !groups_of_[n->id].empty()) continue;
      bool reads = false, fits = true;
      for (Node* in : n->inputs) {
        if (inside.count(in)) {
          reads = true;
        } else if (depends[in->id] || BitWidth(in->type.dtype) < 8) {
          fits = false;
        }
      }
      if (!reads || !fits) continue;
      members.push_back(n);
      inside.insert(n);
      if (WaysOut(members, inside) == 1 && !OpensBefore(members, inside) && !IsReadNarrow(n)) best = members;
    }
    Commit(anchor, best);
  }

  // Its readers had better widen it themselves.
  bool IsReadNarrow(const Node* n) const {
    if (is_output_[n->id] || !IsWidened(n)) return false;
    const auto& readers = consumers_[n->id];
    return std::all_of(readers.begin(), readers.end(),
                       [](const Node* c) { return c->op == Op::kMap || c->op == Op::kReduce; });
  }

  bool LeavesSet(const Node* n, const std::set<const Node*>& inside) const {
    if (is_output_[n->id]) return true;
    for (const Node* c : consumers_[n->id]) {
      if (!inside.count(c)) return true;
    }
    return false;
  }

  int WaysOut(const std::vector<Node*>& members, const std::set<const Node*>& inside) const {
    int count = 0;
    for (const Node* n : members) count += LeavesSet(n, inside);
    return count;
  }

  // The single way out must be the last member: everything else is inside the kernel.
  bool OpensBefore(const std::vector<Node*>& members, const std::set<const Node*>& inside) const {
    return !LeavesSet(members.back(), inside);
  }

  void Commit(Node* anchor, const std::vector<Node*>& members) {
    const int g = NewGroup(members.back());
    groups_[g].closed = true;
    groups_[g].note = EndOfEpilogue(members.back());
    std::set<const Node*> inside(members.begin(), members.end());
    for (Node* n : members) {
      if (n != members.back()) Join(n, g);
    }
    for (Node* n : members) {
      for (Node* in : n->inputs) {
        if (inside.count(in)) continue;
        if (n == anchor) {
          if (anchor->op == Op::kContract) AbsorbViews(in, g);
          if (anchor->op == Op::kConv && in == anchor->inputs[0]) AbsorbImage(*anchor, in, g);
        } else {
          AbsorbOperand(in, in, anchor->shape(), g);
        }
      }
    }
  }

  // An operand of the maps behind an anchor: views of a buffer that strides can express, or as many bytes that are
  // widened. top: where the views begin.
  void AbsorbOperand(Node* operand, const Node* top, const Shape& shape, int g) {
    const bool is_view = operand->op == Op::kBroadcast || operand->op == Op::kReshape || IsSliceOfMemory(operand);
    if (is_view ? !ViewOf(top, operand->inputs[0]) : !(operand->shape() == shape && IsWidened(operand))) return;
    // What another anchor's kernel has made is read from memory.
    if (!is_view && !groups_of_[operand->id].empty() && !is_operand_[operand->id]) return;
    if (!InGroup(operand, g)) Join(operand, g);
    is_operand_[operand->id] = 1;
    for (Node* in : operand->inputs) AbsorbOperand(in, is_view ? top : in, shape, g);
  }

  // Why nothing behind `last` is in the anchor's kernel.
  std::string EndOfEpilogue(const Node* last) const {
    if (is_output_[last->id]) return "an output of the graph";
    const auto& readers = consumers_[last->id];
    if (readers.size() != 1) return fmt::format("{} nodes read it", readers.size());
    const Node* next = readers[0];
    if (next->op != Op::kMap) return fmt::format("'{}' is no map", next->name);
    if (next->shape() != last->shape()) return fmt::format("'{}' has another shape", next->name);
    return fmt::format("'{}' is computed later, or belongs to another kernel", next->name);
  }

  // Views of a contraction's operand, or of a gate, that strides can express.
  void AbsorbViews(Node* operand, int g) {
    Node* n = operand;
    std::vector<Node*> chain;
    while (IsView(n)) {
      std::optional<StridedView> view = ViewOf(operand, n->inputs[0]);
      if (!view || view->base != n->inputs[0] || n->op == Op::kSlice) break;
      chain.push_back(n);
      n = n->inputs[0];
    }
    for (Node* v : chain) {
      if (!InGroup(v, g)) Join(v, g);
    }
  }

  bool IsReadOnce(const Node* n) const { return consumers_[n->id].size() == 1 && !is_output_[n->id]; }

  // A product of pixels and a gate that nothing else reads; what makes the gate is a kernel of its own.
  void AbsorbGate(const Node& conv, Node* image, int g) {
    const std::optional<GatedImage> gated = FindGate(conv);
    if (!gated || !IsSigmoid(gated->gate) || !IsReadOnce(image) || !groups_of_[image->id].empty()) return;
    Join(image, g);
    AbsorbViews(gated->gate, g);
  }

  // Slices of an image that is in memory anyway: a convolution reads pixels at any stride. And a picture in planes that
  // nothing else reads channels-last.
  void AbsorbImage(const Node& conv, Node* image, int g) {
    if (image->op == Op::kMap) return AbsorbGate(conv, image, g);
    for (Node* n = image; IsSliceOfMemory(n); n = n->inputs[0]) {
      if (!InGroup(n, g)) Join(n, g);
    }
    if (!ReadsPlanes(conv) || !IsBuffer(image->inputs[0])) return;
    if (IsReadOnce(image)) Join(image, g);
  }

  bool IsSliceOfMemory(const Node* n) const {
    if (!IsDenseSlice(n)) return false;
    const Node* base = n;
    while (IsDenseSlice(base)) base = base->inputs[0];
    const auto& made = groups_of_[base->id];
    return IsBuffer(base) || (!made.empty() && groups_[made[0]].closed && !is_operand_[base->id]);
  }

  bool Fusable(const Node* n) const {
    return n->op == Op::kMap || IsView(n) || IsLeaf(n) || n->op == Op::kPad || n->op == Op::kGather ||
           n->op == Op::kReduce;
  }

  // Phase 2, consumers first.
  void Place(Node* n) {
    if (IsBuffer(n) || IsOpaque(n)) return;
    const bool anchored = !groups_of_[n->id].empty() && groups_[groups_of_[n->id][0]].closed &&
                          !IsView(n) && !IsScalarConst(n) && !is_operand_[n->id];
    if (anchored) return;
    std::vector<int> wanted;
    std::string note;  // why it must be written, where it must
    if (is_output_[n->id]) note = "an output of the graph";
    if (note.empty() && !Fusable(n)) note = "of a kind that ends a kernel";
    for (Node* c : consumers_[n->id]) {
      if (note.empty() && IsOpaque(c)) note = fmt::format("'{}' reads it as a whole", c->name);
      for (int g : groups_of_[c->id]) {
        if (InGroup(n, g)) continue;  // an anchor took this view along
        if (std::find(wanted.begin(), wanted.end(), g) == wanted.end()) wanted.push_back(g);
      }
    }
    for (int g : wanted) {
      if (const char* reason = Hindrance(n, g); note.empty() && reason) {
        note = fmt::format("not one kernel with '{}': {}", groups_[g].root->name, reason);
      }
    }
    if (note.empty() && wanted.size() > 1 && !IsView(n) && !IsLeaf(n) && !IsWidened(n)) {
      note = fmt::format("{} kernels read it", wanted.size());
    }
    if (!note.empty()) {
      if (is_output_[n->id] || !wanted.empty() || HasOpaqueConsumer(n)) {
        const int g = NewGroup(n);
        groups_[g].note = std::move(note);
        if (n->op == Op::kReduce) groups_[g].reduce = n;
      }
      return;
    }
    for (int g : wanted) {
      Join(n, g);
      if (n->op == Op::kReduce && !groups_[g].reduce) groups_[g].reduce = n;
    }
  }

  bool HasOpaqueConsumer(const Node* n) const {
    return std::any_of(consumers_[n->id].begin(), consumers_[n->id].end(), IsOpaque);
  }

  // Why n cannot join the kernel; null: it can.
  const char* Hindrance(const Node* n, int g) const {
    const Group& group = groups_[g];
    if (group.closed) return "its operands are read from memory";
    if (group.nodes.size() >= kMaxGroup) return "that kernel is full";
    const Op root = group.root->op;
    if (root == Op::kScan || root == Op::kScatter) return "scans and scatters read their operands from memory";
    for (const Node* c : consumers_[n->id]) {
      if (!InGroup(c, g)) continue;
      if (c->op == Op::kGather && c->inputs[0] == n && n->op != Op::kReshape) return "gathers read from memory";
      if (c->op == Op::kConcat && !IsView(n) && n->op != Op::kMap) return "only maps are joined, and this is none";
      if (c->op == Op::kReduce && IsCostly(c) && n->op == Op::kReduce) return "a reduction of a reduction";
    }
    if (n->op == Op::kReduce) return CanJoinReduce(n, g) ? nullptr : "it reduces other rows than that kernel works on";
    if (group.reduce && InRows(n, g)) return nullptr;
    if (!IsCostly(n) || !IsSpread(n, g) || IsRowValue(n, g)) return nullptr;
    return "it would be computed again for every element it is spread to";
  }

  // Computed from a reduction that the group can take in, on values of one row: once a row, then.
  bool IsRowValue(const Node* n, int g) const {
    const Shape& full = groups_[g].root->shape();
    for (int depth = 0; depth < 12; ++depth) {
      if (n->op == Op::kReduce) return n->inputs[0]->shape() == full;
      const Node* next = nullptr;
      for (const Node* in : n->inputs) {
        if (in->op == Op::kMap || in->op == Op::kReduce || in->op == Op::kReshape) next = in;
      }
      if (!next || !(n->op == Op::kMap || n->op == Op::kReshape)) return false;
      n = next;
    }
    return false;
  }

  // True when a broadcast inside the group repeats the value.
  bool IsSpread(const Node* n, int g) const {
    for (const Node* c : consumers_[n->id]) {
      if (!InGroup(c, g)) continue;
      if (c->op == Op::kBroadcast) return true;
      if (IsView(c) && IsSpread(c, g)) return true;
    }
    return false;
  }

  // Members that depend on n inside the group.
  std::set<const Node*> UsersInside(const Node* n, int g) const {
    std::set<const Node*> users;
    std::vector<const Node*> work{n};
    while (!work.empty()) {
      const Node* at = work.back();
      work.pop_back();
      for (const Node* c : consumers_[at->id]) {
        if (InGroup(c, g) && users.insert(c).second) work.push_back(c);
      }
    }
    return users;
  }

  static Shape KeptShape(const Node* reduce, bool keepdims) {
    Shape shape = reduce->inputs[0]->shape();
    if (!keepdims) return reduce->shape();
    for (int a : reduce->axes) shape[a] = 1;
    return shape;
  }

  // n lies on the kept side of the group's rows: one value a row, computed once a row.
  bool InRows(const Node* n, int g) const {
    const Node* r = groups_[g].reduce;
    return n->shape() == r->shape() || n->shape() == KeptShape(r, true);
  }

  bool CanJoinReduce(const Node* n, int g) const {
    const Group& group = groups_[g];
    if (n->reduce == ReduceKind::kArgMax || n->reduce == ReduceKind::kArgMin) return false;
    if (group.reduce && (group.reduce->axes != n->axes ||
                         group.reduce->inputs[0]->shape() != n->inputs[0]->shape())) {
      return false;
    }
    // Rows are the trailing dims, so that a pass over a row is contiguous.
    const Shape& full = n->inputs[0]->shape();
    for (size_t k = 0; k < n->axes.size(); ++k) {
      if (n->axes[k] != static_cast<int>(full.size() - n->axes.size() + k)) return false;
    }
    const Shape kept = KeptShape(n, true);
    const auto users = UsersInside(n, g);
    for (const Node* u : users) {
      const bool in_rows = u->shape() == kept || u->shape() == n->shape();
      if (u->op == Op::kMap && (in_rows || u->shape() == full)) continue;
      if (u->op == Op::kReshape && in_rows) continue;
      if (u->op == Op::kBroadcast && u->inputs[0]->shape() == kept && u->shape() == full) continue;
      if (u->op == Op::kReduce && u->axes == n->axes && u->inputs[0]->shape() == full) continue;
      return false;
    }
    if (group.reduce) return true;
    // Members beside the reduction's users must fit its rows as well: maps of the full shape, or operands.
    return group.root->shape() == full || group.root->shape() == n->shape() || group.root->shape() == kept;
  }

  // ---- building the result ----

  Node* FragmentNode(Graph& fragment, Node* n, int g, std::vector<Node*>& map,
                     std::vector<Node*>& arguments) {
    if (map[n->id]) return map[n->id];
    if (!InGroup(n, g)) {
      if (IsScalarConst(n)) return map[n->id] = CopyNode(fragment, *n, {});
      Node* input = fragment.AddInput(static_cast<int>(arguments.size()), n->type, n->name);
      arguments.push_back(n);
      return map[n->id] = input;
    }
    // An anchor's rows come last: plans make the arguments in this order, and chains want the step that makes the rows
    // right before (compile/chains.h).
    if (IsAnchor(n)) {
      for (size_t i = n->inputs.size(); i-- > 1;) FragmentNode(fragment, n->inputs[i], g, map, arguments);
    }
    std::vector<Node*> in;
    for (Node* i : n->inputs) in.push_back(FragmentNode(fragment, i, g, map, arguments));
    Node* copy = CopyNode(fragment, *n, std::move(in));
    copy->contents.reset();
    return map[n->id] = copy;
  }

  std::unique_ptr<Graph> Emit() {
    std::unique_ptr<Graph> out = EmptyLike(graph_);
    std::vector<Node*> made(graph_.size(), nullptr);
    std::vector<int> group_by_root(graph_.size(), -1);
    for (size_t g = 0; g < groups_.size(); ++g) group_by_root[groups_[g].root->id] = static_cast<int>(g);
    for (Node* n : order_) {
      if (IsBuffer(n) || IsOpaque(n)) {
        std::vector<Node*> in;
        for (Node* i : n->inputs) in.push_back(made[i->id]);
        made[n->id] = CopyNode(*out, *n, in);
      } else if (group_by_root[n->id] >= 0) {
        made[n->id] = EmitGroup(*out, group_by_root[n->id], made);
      }
    }
    for (Node* output : graph_.outputs) out->outputs.push_back(made[output->id]);
    for (const Store& s : graph_.stores) out->stores.push_back({s.input, made[s.value->id]});
    return out;
  }

  Node* EmitGroup(Graph& out, int g, const std::vector<Node*>& made) {
    Node* root = groups_[g].root;
    // A lone reshape of a buffer is the same memory under another shape.
    if (groups_[g].nodes.size() == 1 && root->op == Op::kReshape && made[root->inputs[0]->id]) {
      return CopyNode(out, *root, {made[root->inputs[0]->id]});
    }
    auto fragment = std::make_shared<Graph>();
    std::vector<Node*> map(graph_.size(), nullptr), arguments, inputs;
    Node* result = FragmentNode(*fragment, root, g, map, arguments);
    fragment->outputs = {result};
    for (Node* a : arguments) {
      BELAY_CHECK(made[a->id] != nullptr);
      inputs.push_back(made[a->id]);
    }
    Node* fused = out.Add(Op::kFused, inputs, root->type);
    fused->subgraphs = {fragment};
    fused->name = root->name;
    fused->note = groups_[g].note;
    return fused;
  }

  const Graph& graph_;
  std::vector<Node*> order_;
  std::vector<std::vector<int>> groups_of_;
  std::vector<std::vector<Node*>> consumers_;
  std::vector<int> position_;
  std::vector<char> is_output_;
  std::vector<char> is_operand_;  // an anchor's kernel computes it for itself; others may, too
  std::vector<Group> groups_;
};

}  // namespace

std::unique_ptr<Graph> Fuse(const Graph& graph) { return Fuser(graph).Run(); }

}  // namespace belay
