// ONNX's Scan. Few turns become as many copies of the body, others a loop.
#include <algorithm>

#include "ops/functional/loops.h"

namespace belay {
namespace {

constexpr int64_t kMostCopies = 64;      // of a body whose turns are known
constexpr int64_t kMostBatchCopies = 512;  // of the batched form, which knows no loop

struct Scan {
  std::vector<Tensor> states, captures;
  std::vector<ScanSequence> sequences;
  std::vector<int64_t> out_axes, out_back;

  int scans() const { return static_cast<int>(out_axes.size()); }
  const Dim& Turns() const { return sequences[0].x.dim(sequences[0].axis); }
};

Scan ReadScan(const Body& b, size_t first) {
  const std::vector<Tensor> inputs = b.RawIns("input");
  const std::vector<int64_t> axes = HiddenInts(b, "scan_input_axes"), back = HiddenInts(b, "scan_input_directions");
  Scan s;
  s.out_axes = HiddenInts(b, "scan_output_axes");
  s.out_back = HiddenInts(b, "scan_output_directions");
  auto next = inputs.begin() + first;
  const int64_t states = HiddenInt(b, "scan_states", 0);
  if (static_cast<size_t>(states) + axes.size() > inputs.size() - first || back.size() < axes.size()) {
    Fail("a Scan of {} states and {} sequences has {} inputs", states, axes.size(), inputs.size() - first);
  }
  for (const Tensor& input : inputs) {
    if (!input) Fail("an input of a Scan has no value");
  }
  s.states.assign(next, next + states);
  next += states;
  for (size_t i = 0; i < axes.size(); ++i, ++next) {
    s.sequences.push_back({*next, NormalizeAxis(axes[i], next->rank(), "scan_input_axes"), back[i] != 0});
  }
  s.captures.assign(next, inputs.end());
  return s;
}

std::vector<Tensor> Turn(Body& b, const Scan& s, const std::vector<Tensor>& states,
                         const std::vector<Tensor>& entries) {
  std::vector<Tensor> arguments = states;
  arguments.insert(arguments.end(), entries.begin(), entries.end());
  arguments.insert(arguments.end(), s.captures.begin(), s.captures.end());
  std::vector<Tensor> out = WrapAll(b.builder(), b.inline_subgraph(SubgraphOf(b, "body"), arguments).outputs);
  if (out.size() != states.size() + s.out_axes.size()) {
    Fail("the body has {} outputs, but {} are needed", out.size(), states.size() + s.out_axes.size());
  }
  return out;
}

// States, and scans along a new first dim.
std::vector<Tensor> Unrolled(Body& b, const Scan& s, int64_t turns) {
  std::vector<Tensor> states = s.states;
  std::vector<std::vector<Tensor>> collected(s.scans());
  for (int64_t t = 0; t < turns; ++t) {
    std::vector<Tensor> entries;
    for (const ScanSequence& q : s.sequences) {
      entries.push_back(Squeeze(Slice(q.x, q.axis, q.back ? turns - 1 - t : t, 1), {q.axis}));
    }
    std::vector<Tensor> out = Turn(b, s, states, entries);
    std::copy_n(out.begin(), states.size(), states.begin());
    for (int k = 0; k < s.scans(); ++k) collected[k].push_back(Unsqueeze(out[states.size() + k], {0}));
  }
  for (const std::vector<Tensor>& parts : collected) states.push_back(Concat(parts, 0));
  return states;
}

void PlainScan(Body& b) {
  const Scan s = ReadScan(b, 0);
  const Dim turns = s.Turns();
  const bool few = turns.IsConst() && turns.value() > 0 && turns.value() <= kMostCopies;
  std::vector<Tensor> y = few ? Unrolled(b, s, turns.value())
                              : ScanByLoop(b, s.states, s.sequences, s.captures, s.scans());
  for (int k = 0; k < s.scans(); ++k) {
    Tensor& scan = y[s.states.size() + k];
    if (s.out_back[k]) scan = Flip(scan, 0);
    scan = MoveAxis(scan, 0, NormalizeAxis(s.out_axes[k], scan.rank(), "scan_output_axes"));
  }
  b.Outs("output", y);
}

// The entry at a place that is data: `at` is an i64 of rank 0.
Tensor EntryAt(const Tensor& x, const Tensor& at) { return GatherAxis(x, at, 0, false); }

// Of opset 8: every tensor has a batch first and its turns second. Samples may be shorter than the others; what
// follows their end is zero in the scans.
void BatchedScan(Body& b) {
  const bool has_lengths = HiddenInt(b, "scan_lengths", 0) != 0;
  const Scan s = ReadScan(b, has_lengths ? 1 : 0);
  const Tensor& first = s.sequences[0].x;
  if (first.rank() < 2) Fail("a sequence has rank {}, but needs a batch and turns", first.rank());
  const Dim batch = first.dim(0), turns = first.dim(1);
  const bool known = batch.IsConst() && turns.IsConst() && batch.value() > 0 && turns.value() > 0;
  if (!known || batch.value() > kMostBatchCopies / turns.value()) {
    FailNotSupported("a batched Scan over {} samples of {} turns (1 to {} of both)", batch.ToString(), turns.ToString(),
                     kMostBatchCopies);
  }
  Builder& builder = b.builder();
  std::vector<std::vector<Tensor>> results(s.states.size() + s.scans());  // by output: one tensor per sample
  for (int64_t n = 0; n < batch.value(); ++n) {
    auto sample = [&](const Tensor& x) { return Squeeze(Slice(x, 0, n, 1), {0}); };
    Tensor length = builder.FromDim(DType::kI64, turns);
    if (has_lengths) length = sample(Cast(b.RawIns("input")[0], DType::kI64));
    std::vector<Tensor> states;
    for (const Tensor& x : s.states) states.push_back(sample(x));
    std::vector<std::vector<Tensor>> collected(s.scans());
    for (int64_t t = 0; t < turns.value(); ++t) {
      Tensor turn = builder.ScalarInt(DType::kI64, t), active = Less(turn, length);
      std::vector<Tensor> entries;
      for (const ScanSequence& q : s.sequences) {
        entries.push_back(EntryAt(sample(q.x), q.back ? Max(length - turn - 1.0, 0.0) : turn));
      }
      std::vector<Tensor> out = Turn(b, s, states, entries);
      for (size_t i = 0; i < states.size(); ++i) states[i] = Select(active, out[i], states[i]);
      for (int k = 0; k < s.scans(); ++k) {
        const Tensor& value = out[states.size() + k];
        collected[k].push_back(Unsqueeze(Select(active, value, ZeroLike(value)), {0}));
      }
    }
    for (const std::vector<Tensor>& parts : collected) states.push_back(Concat(parts, 0));
    for (size_t k = 0; k < states.size(); ++k) results[k].push_back(Unsqueeze(states[k], {0}));
  }
  std::vector<Tensor> y;
  for (const std::vector<Tensor>& samples : results) y.push_back(Concat(samples, 0));
  b.Outs("output", y);
}

std::vector<int64_t> Listed(OnnxNode& n, const char* name, int64_t count) {
  std::vector<int64_t> values = n.Ints(name);
  if (values.empty()) values.assign(count, 0);
  if (static_cast<int64_t>(values.size()) != count) n.Fail(fmt::format("attribute {} needs {} entries", name, count));
  return values;
}

// first: how many inputs come before the states.
void EmitScan(OnnxNode& n, int64_t first, AttrMap attrs, const char* in_directions) {
  auto body = n.GraphAttr("body");
  const int64_t sequences = n.Int("num_scan_inputs", 0), inside = n.input_count() - first;
  if (sequences < 1 || sequences > inside) n.Fail("attribute num_scan_inputs does not fit the inputs");
  const int64_t states = inside - sequences, scans = n.output_count() - states;
  if (scans < 0) n.Fail(fmt::format("it has {} states, but {} outputs", states, n.output_count()));
  attrs["scan_states"] = states;
  attrs["scan_input_axes"] = Listed(n, "scan_input_axes", sequences);
  attrs["scan_input_directions"] = Listed(n, in_directions, sequences);
  attrs["scan_output_axes"] = Listed(n, "scan_output_axes", scans);
  attrs["scan_output_directions"] = Listed(n, "scan_output_directions", scans);
  std::vector<ModelEdge> inputs;
  for (int i = 0; i < n.input_count(); ++i) {
    if (i >= first || n.HasInput(i)) inputs.push_back(n.Input(i));
  }
  for (const ModelEdge& e : n.GraphCaptures("body")) inputs.push_back(e);
  std::vector<ModelEdge> y = n.EmitN("While", inputs, attrs, n.output_count());
  n.SetSubgraph(y[0], "body", body);
  n.OutputAll(y);
}

}  // namespace

void ScanBody(Body& b) {
  if (!b.captures().empty()) FailNotSupported("variables in a Scan");
  HiddenStr(b, "form", "") == "scan8" ? BatchedScan(b) : PlainScan(b);
}

void OnnxScan(OnnxNode& n) { EmitScan(n, 0, {{"form", "scan"}}, "scan_input_directions"); }
void OnnxScan8(OnnxNode& n) {
  EmitScan(n, 1, {{"form", "scan8"}, {"scan_lengths", int64_t{n.HasInput(0)}}}, "directions");
}

}  // namespace belay
