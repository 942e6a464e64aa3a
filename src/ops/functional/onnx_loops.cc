// ONNX's If and Loop, and the loop that long Scans become.
#include <algorithm>

#include "ops/functional/loops.h"

namespace belay {
namespace {

constexpr int64_t kCopies = 8;  // of a Scan's body in each turn of the loop, where the number of turns is known

// ONNX's Loop and Scan: carried are {turn, limit, go on, values..., collected scans..., captures...}.
class OnnxLoop {
 public:
  // inputs: limit, go on, values, captures. The first captures are a Scan's sequences; a Scan's body knows neither
  // the turn nor a condition.
  OnnxLoop(Body& b, std::vector<Tensor> inputs, int values, int scans, std::vector<ScanSequence> sequences = {})
      : b_(b), builder_(b.builder()), joiner_(builder_), inputs_(std::move(inputs)), sequences_(std::move(sequences)),
        values_(values), scans_(scans), captures_(static_cast<int>(inputs_.size()) - 2 - values) {}

  std::vector<Tensor> Run() {
    if (captures_ < 0) Fail("a loop that carries {} values has {} inputs", values_, inputs_.size());
    for (const Tensor& input : inputs_) {
      if (!input) Fail("an input of a loop has no value");
    }
    Tensor limit = Reshape(Cast(inputs_[0], DType::kI64), {}), go = Truth(inputs_[1]);
    std::vector<Tensor> initial = {builder_.ScalarInt(DType::kI64, 0), limit, go};
    initial.insert(initial.end(), inputs_.begin() + 2, inputs_.begin() + 2 + values_);
    initial_types_ = TypesOf(initial);
    FindScanTypes();
    if (TakesCopies()) {
      copies_ = kCopies;
      initial[1] = builder_.ScalarInt(DType::kI64, Turns().value() / copies_);
    }
    std::vector<TensorType> types = initial_types_;
    const Dim turns = scans_ ? joiner_.Fresh() : Dim(0);
    for (const TensorType& scan : scan_types_) {
      Shape empty = scan.shape, open = scan.shape;
      for (Dim& d : empty) {
        if (joiner_.Binds(d)) d = 0;  // not known before the first turn
      }
      empty.insert(empty.begin(), Dim(0));
      open.insert(open.begin(), turns);
      initial.push_back(Full(builder_, empty, scan.dtype, 0));
      types.push_back({scan.dtype, open});
    }
    for (int i = 0; i < captures_; ++i) {
      initial.push_back(inputs_[2 + values_ + i]);
      types.push_back(initial.back().node()->type);
    }
    auto body = LowerUntilStable(&types, &joiner_, [&](const std::vector<TensorType>& now) { return BodyFor(now); });
    auto condition = std::make_shared<Graph>();
    Builder inner(condition.get(), &builder_.root());
    std::vector<Tensor> state = AddInputs(inner, types);
    condition->outputs = {And(state[2], Less(state[0], state[1])).node()};
    std::vector<Tensor> done = MakeWhile(builder_, initial, types, condition, body, joiner_.binds());
    done = {done.begin() + 3, done.begin() + 3 + values_ + scans_};
    return copies_ == 1 ? done : Completed(done);
  }

 private:
  bool IsScan() const { return !sequences_.empty(); }
  const Dim& Turns() const { return sequences_[0].x.dim(sequences_[0].axis); }  // of a Scan

  // Copies follow each other without a change of types between them.
  bool TakesCopies() {
    if (!IsScan() || !Turns().IsConst() || Turns().value() < kCopies) return false;
    for (const TensorType& scan : scan_types_) {
      for (const Dim& d : scan.shape) {
        if (joiner_.Binds(d)) return false;
      }
    }
    auto graph = UserBody(initial_types_);
    for (int i = 0; i < values_; ++i) {
      if (graph->outputs[i]->type != initial_types_[3 + i]) return false;
    }
    return true;
  }
  int FirstValue() const { return IsScan() ? 0 : 1; }  // among the outputs of the user's body

  // The user's body: (turn, go on, values, captures) -> (go on, values, scans), or a Scan's.
  std::shared_ptr<Graph> UserBody(const std::vector<TensorType>& state) {
    std::vector<TensorType> types(state.begin() + 3, state.begin() + 3 + values_);
    if (!IsScan()) types.insert(types.begin(), {state[0], {DType::kBool, {}}});
    std::vector<Tensor> known(types.size());
    for (const ScanSequence& q : sequences_) {
      TensorType entry = q.x.node()->type;
      entry.shape.erase(entry.shape.begin() + q.axis);
      types.push_back(entry);
      known.emplace_back();
    }
    for (int i = static_cast<int>(sequences_.size()); i < captures_; ++i) {
      known.push_back(inputs_[2 + values_ + i]);
      types.push_back(known.back().node()->type);
    }
    auto graph = b_.lower_subgraph(SubgraphOf(b_, "body"), types, known).graph;
    const int wanted = FirstValue() + values_ + scans_;
    if (static_cast<int>(graph->outputs.size()) != wanted) {
      Fail("the body has {} outputs, but {} are needed", graph->outputs.size(), wanted);
    }
    return graph;
  }

  // Of one run of the user's body. captures: the loop's own, or those that it carries.
  std::vector<Tensor> Arguments(const std::vector<Tensor>& values, const Tensor& turn, const Tensor& go,
                                std::vector<Tensor> captures) const {
    std::vector<Tensor> arguments = values;
    if (!IsScan()) arguments.insert(arguments.begin(), {turn, go});
    for (size_t i = 0; i < sequences_.size(); ++i) {
      const ScanSequence& q = sequences_[i];
      Tensor at = q.back ? turn.builder().FromDim(DType::kI64, Turns()) - turn - 1.0 : turn;
      captures[i] = GatherAxis(captures[i], at, q.axis, false);
    }
    arguments.insert(arguments.end(), captures.begin(), captures.end());
    return arguments;
  }

  struct Progress {
    std::vector<Tensor> values;
    Tensor go;
    std::vector<std::vector<Tensor>> collected;  // of each scan, to be joined
  };
  // Every copy is lowered anew: the extents that it finds in its run are its own.
  void Turn(Builder& into, const std::vector<TensorType>& types, const Tensor& turn,
            const std::vector<Tensor>& captures, Progress* p) {
    std::vector<Tensor> out = CopyInto(into, *UserBody(types), Arguments(p->values, turn, p->go, captures));
    if (!IsScan()) p->go = Truth(out[0]);
    p->values.assign(out.begin() + FirstValue(), out.begin() + FirstValue() + values_);
    for (int k = 0; k < scans_; ++k) p->collected[k].push_back(Unsqueeze(out[FirstValue() + values_ + k], {0}));
  }

  // The turns that are left when the loop has made all that fill its copies.
  std::vector<Tensor> Completed(const std::vector<Tensor>& done) {
    Progress p = {{done.begin(), done.begin() + values_}, {}, {}};
    for (int k = 0; k < scans_; ++k) p.collected.push_back({done[values_ + k]});
    const std::vector<Tensor> captures(inputs_.begin() + 2 + values_, inputs_.end());
    const int64_t turns = Turns().value();
    for (int64_t t = turns / copies_ * copies_; t < turns; ++t) {
      Turn(builder_, initial_types_, builder_.ScalarInt(DType::kI64, t), captures, &p);
    }
    for (const std::vector<Tensor>& parts : p.collected) p.values.push_back(Concat(parts, 0));
    return p.values;
  }

  void FindScanTypes() {
    if (!scans_) return;
    auto graph = UserBody(initial_types_);
    for (int k = 0; k < scans_; ++k) {
      scan_types_.push_back(joiner_.FromInside(graph->outputs[FirstValue() + values_ + k]->type));
    }
  }

  std::shared_ptr<Graph> BodyFor(const std::vector<TensorType>& types) {
    auto graph = std::make_shared<Graph>();
    Builder inner(graph.get(), &builder_.root());
    std::vector<Tensor> state = AddInputs(inner, types);
    const std::vector<Tensor> captures(state.end() - captures_, state.end());
    Progress p = {{state.begin() + 3, state.begin() + 3 + values_}, state[2], {}};
    p.collected.resize(scans_);
    for (int64_t copy = 0; copy < copies_; ++copy) {
      Tensor turn = state[0];
      if (copies_ > 1) turn = turn * static_cast<double>(copies_) + static_cast<double>(copy);
      Turn(inner, types, turn, captures, &p);
    }
    std::vector<Tensor> next = {state[0] + 1.0, state[1], p.go};
    next.insert(next.end(), p.values.begin(), p.values.end());
    for (int k = 0; k < scans_; ++k) {
      // Before the first turn the elements' extents may be unknown, but then there are none.
      Tensor so_far = state[3 + values_ + k];
      Shape shape = p.collected[k][0].shape();
      shape[0] = so_far.dim(0);
      p.collected[k].insert(p.collected[k].begin(), Reshape(so_far, shape));
      next.push_back(Concat(p.collected[k], 0));
    }
    next.insert(next.end(), state.end() - captures_, state.end());
    graph->outputs = NodesOf(next);
    return graph;
  }

  Body& b_;
  Builder& builder_;
  Joiner joiner_;
  const std::vector<Tensor> inputs_;
  const std::vector<ScanSequence> sequences_;
  const int values_, scans_, captures_;
  int64_t copies_ = 1;
  std::vector<TensorType> initial_types_, scan_types_;
};

}  // namespace

void LoopBody(Body& b) {
  if (!b.captures().empty()) FailNotSupported("variables in a Loop");
  b.Outs("output", OnnxLoop(b, b.RawIns("input"), static_cast<int>(HiddenInt(b, "loop_values", 0)),
                            static_cast<int>(HiddenInt(b, "loop_scans", 0))).Run());
}

std::vector<Tensor> ScanByLoop(Body& b, const std::vector<Tensor>& states, const std::vector<ScanSequence>& sequences,
                               const std::vector<Tensor>& captures, int scans) {
  const Dim turns = sequences[0].x.dim(sequences[0].axis);
  std::vector<Tensor> inputs = {b.builder().FromDim(DType::kI64, turns), b.builder().ScalarInt(DType::kBool, 1)};
  inputs.insert(inputs.end(), states.begin(), states.end());
  for (const ScanSequence& q : sequences) inputs.push_back(q.x);
  inputs.insert(inputs.end(), captures.begin(), captures.end());
  return OnnxLoop(b, std::move(inputs), static_cast<int>(states.size()), scans, sequences).Run();
}

void OnnxIf(OnnxNode& n) {
  auto yes = n.GraphAttr("then_branch"), no = n.GraphAttr("else_branch");
  std::vector<ModelEdge> inputs = {n.Input(0)};
  for (const ModelEdge& e : n.GraphCaptures("then_branch")) inputs.push_back(e);
  std::vector<ModelEdge> y = n.EmitN("If", inputs, {}, n.output_count());
  n.SetSubgraph(y[0], "then_branch", yes);
  n.SetSubgraph(y[0], "else_branch", no);
  n.OutputAll(y);
}

void OnnxLoopRule(OnnxNode& n) {
  auto body = n.GraphAttr("body");
  const int values = std::max(0, n.input_count() - 2), scans = n.output_count() - values;
  std::vector<ModelEdge> inputs = {
      n.HasInput(0) ? n.Input(0) : n.Const(LiteralFromInts(DType::kI64, {}, {INT64_MAX})),
      n.HasInput(1) ? n.Input(1) : n.Const(LiteralFromInts(DType::kBool, {}, {1}))};
  for (int i = 2; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
  for (const ModelEdge& e : n.GraphCaptures("body")) inputs.push_back(e);
  AttrMap attrs = {{"loop_values", int64_t{values}}, {"loop_scans", int64_t{scans}}, {"form", "loop"}};
  std::vector<ModelEdge> y = n.EmitN("While", inputs, attrs, n.output_count());
  n.SetSubgraph(y[0], "body", body);
  n.OutputAll(y);
}

}  // namespace belay
