// ONNX's tree ensembles. All three operators come as OnnxTreeEnsemble, whose trees are constants.
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "ops/support.h"

namespace belay {
namespace {

// The constants of the record, see library/trees.cc.
struct Forest {
  static constexpr int64_t kColumns = 7;
  std::vector<int64_t> roots, nodes, leaves = {0}, targets;
  std::vector<double> splits, weights, members;

  int64_t NodeCount() const { return static_cast<int64_t>(splits.size()); }
  int64_t LeafCount() const { return static_cast<int64_t>(leaves.size()) - 1; }
  void AddVote(int64_t target, double weight) {
    targets.push_back(target);
    weights.push_back(weight);
  }
  void EndLeaf() { leaves.push_back(static_cast<int64_t>(targets.size())); }
};

const char* const kModes[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
constexpr int64_t kMemberMode = 6;
const char* const kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};
const char* const kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};

template <size_t N>
const char* Named(OnnxNode& n, const char* attr, const char* const (&names)[N], int64_t number) {
  if (number < 0 || number >= static_cast<int64_t>(N)) n.Fail(fmt::format("attribute {} is {}", attr, number));
  return names[number];
}

std::vector<double> TensorValues(OnnxNode& n, const char* attr) {
  return n.HasAttr(attr) ? LiteralToDoubles(*n.TensorAttr(attr)) : std::vector<double>{};
}
// A list of floats, or a tensor of doubles in its place.
std::vector<double> Values(OnnxNode& n, const std::string& attr) {
  const std::string as_tensor = attr + "_as_tensor";
  return n.HasAttr(as_tensor.c_str()) ? TensorValues(n, as_tensor.c_str()) : n.Floats(attr.c_str());
}

void CheckLength(OnnxNode& n, const char* attr, size_t length, size_t want) {
  if (length != want) n.Fail(fmt::format("attribute {} has {} entries, but needs {}", attr, length, want));
}

std::vector<int64_t> IntsOf(OnnxNode& n, const char* attr, size_t want) {
  std::vector<int64_t> values = n.Ints(attr);
  CheckLength(n, attr, values.size(), want);
  return values;
}

// The sets lie after each other, each closed by a NaN, in the order of their nodes.
void AddMembers(OnnxNode& n, Forest* f) {
  const std::vector<double> all = TensorValues(n, "membership_values");
  size_t next = 0;
  for (int64_t i = 0; i < f->NodeCount(); ++i) {
    int64_t* node = &f->nodes[i * Forest::kColumns];
    if (node[1] != kMemberMode) continue;
    if (next >= all.size()) n.Fail("attribute membership_values has fewer sets than there are nodes of that mode");
    node[5] = static_cast<int64_t>(f->members.size());
    while (next < all.size() && !std::isnan(all[next])) f->members.push_back(all[next++]);
    node[6] = static_cast<int64_t>(f->members.size()) - node[5];
    ++next;
  }
}

// What both forms say of their nodes, by node.
struct NodeLists {
  std::vector<int64_t> features, yes, no, missing;
};
NodeLists ReadNodes(OnnxNode& n, size_t count) {
  NodeLists lists = {IntsOf(n, "nodes_featureids", count), IntsOf(n, "nodes_truenodeids", count),
                     IntsOf(n, "nodes_falsenodeids", count), n.Ints("nodes_missing_value_tracks_true")};
  lists.missing.resize(count, 0);
  return lists;
}

Forest ReadForest(OnnxNode& n) {
  Forest f;
  f.roots = n.Ints("tree_roots");
  f.splits = TensorValues(n, "nodes_splits");
  const size_t count = f.splits.size();
  const std::vector<double> modes = TensorValues(n, "nodes_modes"), weights = TensorValues(n, "leaf_weights");
  CheckLength(n, "nodes_modes", modes.size(), count);
  const NodeLists nodes = ReadNodes(n, count);
  const std::vector<int64_t> yes_leaf = IntsOf(n, "nodes_trueleafs", count);
  const std::vector<int64_t> no_leaf = IntsOf(n, "nodes_falseleafs", count);
  auto place = [](bool leaf, int64_t number) { return leaf ? ~number : number; };
  for (size_t i = 0; i < count; ++i) {
    f.nodes.insert(f.nodes.end(), {nodes.features[i], static_cast<int64_t>(modes[i]), place(yes_leaf[i], nodes.yes[i]),
                                   place(no_leaf[i], nodes.no[i]), nodes.missing[i], 0, 0});
  }
  const std::vector<int64_t> targets = IntsOf(n, "leaf_targetids", weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    f.AddVote(targets[i], weights[i]);
    f.EndLeaf();
  }
  AddMembers(n, &f);
  return f;
}

using NodeKey = std::pair<int64_t, int64_t>;  // tree, node

// The older form: every node has a name within its tree, leaves are nodes, and votes name their leaf.
class OldForest {
 public:
  OldForest(OnnxNode& n, const char* votes) : n_(n), votes_(votes) {}

  Forest Read() {
    const std::vector<int64_t> trees = n_.Ints("nodes_treeids");
    const size_t count = trees.size();
    const std::vector<int64_t> ids = IntsOf(n_, "nodes_nodeids", count);
    const std::vector<std::string> modes = n_.Strs("nodes_modes");
    CheckLength(n_, "nodes_modes", modes.size(), count);
    ReadVotes();
    std::vector<int64_t> mode(count, -1);
    for (size_t i = 0; i < count; ++i) Place({trees[i], ids[i]}, modes[i], &mode[i]);
    const std::vector<double> values = Values(n_, "nodes_values");
    CheckLength(n_, "nodes_values", values.size(), count);
    const NodeLists nodes = ReadNodes(n_, count);
    for (size_t i = 0; i < count; ++i) {
      if (i == 0 || trees[i] != trees[i - 1]) f_.roots.push_back(At({trees[i], ids[i]}));
      if (mode[i] < 0) continue;
      f_.splits.push_back(values[i]);
      f_.nodes.insert(f_.nodes.end(),
                      {nodes.features[i], mode[i], At({trees[i], nodes.yes[i]}), At({trees[i], nodes.no[i]}),
                       nodes.missing[i], 0, 0});
    }
    return std::move(f_);
  }

 private:
  void ReadVotes() {
    const std::string prefix = votes_;
    const std::vector<double> weights = Values(n_, prefix + "_weights");
    const std::vector<int64_t> targets = IntsOf(n_, (prefix + "_ids").c_str(), weights.size());
    const std::vector<int64_t> nodes = IntsOf(n_, (prefix + "_nodeids").c_str(), weights.size());
    const std::vector<int64_t> trees = IntsOf(n_, (prefix + "_treeids").c_str(), weights.size());
    for (size_t i = 0; i < weights.size(); ++i) by_leaf_[{trees[i], nodes[i]}].emplace_back(targets[i], weights[i]);
  }

  void Place(const NodeKey& key, const std::string& mode, int64_t* number) {
    if (mode == "LEAF") {
      for (auto [target, weight] : by_leaf_[key]) f_.AddVote(target, weight);
      places_[key] = ~f_.LeafCount();
      return f_.EndLeaf();
    }
    for (int64_t m = 0; m < kMemberMode; ++m) {
      if (mode == kModes[m]) *number = m;
    }
    if (*number < 0) n_.Fail(fmt::format("a node's mode is '{}'", mode));
    places_[key] = branches_++;
  }

  int64_t At(const NodeKey& key) const {
    auto it = places_.find(key);
    if (it == places_.end()) n_.Fail(fmt::format("tree {} has no node {}", key.first, key.second));
    return it->second;
  }

  OnnxNode& n_;
  const char* const votes_;
  Forest f_;
  int64_t branches_ = 0;
  std::map<NodeKey, int64_t> places_;
  std::map<NodeKey, std::vector<std::pair<int64_t, double>>> by_leaf_;
};

ModelEdge EmitForest(OnnxNode& n, const Forest& f, int64_t targets, AttrMap attrs) {
  auto ints = [&](const std::vector<int64_t>& v) { return n.ConstInts(v); };
  auto doubles = [&](const std::vector<double>& v) {
    return n.Const(LiteralFromDoubles(DType::kF64, {static_cast<int64_t>(v.size())}, v));
  };
  ModelEdge nodes = n.Const(LiteralFromInts(DType::kI64, {f.NodeCount(), Forest::kColumns}, f.nodes));
  attrs["n_targets"] = targets;
  return n.Emit("OnnxTreeEnsemble",
                {n.Input(0), ints(f.roots), nodes, doubles(f.splits), ints(f.leaves), ints(f.targets),
                 doubles(f.weights), doubles(f.members)},
                attrs);
}

ModelEdge ToF32(OnnxNode& n, ModelEdge x) { return n.Emit("Cast", {x}, {{"dst_type", GeType(DType::kF32)}}); }

void OnnxEnsemble(OnnxNode& n) {
  const Forest f = ReadForest(n);
  int64_t targets = n.Int("n_targets", 0);
  if (!n.HasAttr("n_targets")) {
    for (int64_t t : f.targets) {
      if (t < 0 || t >= INT32_MAX) n.Fail(fmt::format("a leaf votes for target {}, which is no number of a target", t));
      targets = std::max(targets, t + 1);
    }
  }
  n.Output(0, n.Emit("CastLike", {EmitForest(n, f, targets,
                                             {{"aggregate", Named(n, "aggregate_function", kAggregates,
                                                                  n.Int("aggregate_function", 1))},
                                              {"post_transform", Named(n, "post_transform", kTransforms,
                                                                       n.Int("post_transform", 0))}}),
                                  n.Input(0)}));
}

void OnnxRegressor(OnnxNode& n) {
  const Forest f = OldForest(n, "target").Read();
  n.Output(0, ToF32(n, EmitForest(n, f, n.Int("n_targets", 1),
                                  {{"aggregate", n.Str("aggregate_function", "SUM")},
                                   {"base_values", Values(n, "base_values")},
                                   {"post_transform", n.Str("post_transform", "NONE")}})));
}

// Two classes of which all votes name one: a single score stands for both.
void BinaryClassifier(OnnxNode& n, Forest f, ModelEdge labels) {
  bool positive = true;
  for (double w : f.weights) positive = positive && w >= 0;
  std::fill(f.targets.begin(), f.targets.end(), 0);
  std::vector<double> base = Values(n, "base_values");
  if (base.size() == 2) base.erase(base.begin());
  const std::string transform = n.Str("post_transform", "NONE");
  auto scalar = [&](double value) { return n.ConstScalar(DType::kF64, value); };
  ModelEdge score = EmitForest(n, f, 1, {{"base_values", base}});
  ModelEdge second = n.Emit("Greater", {score, scalar(positive ? 0.5 : 0)});
  second = n.Emit("Reshape", {second, n.ConstInts({-1})});
  ModelEdge index = n.Emit("Cast", {second}, {{"dst_type", GeType(DType::kI64)}});
  n.Output(0, n.Emit("GatherV2", {labels, index, n.ConstInts({0})}));
  auto pair = [&](ModelEdge first) { return n.Emit("ConcatD", {first, score}, {{"concat_dim", int64_t{1}}}); };
  ModelEdge both = pair(n.Emit("Neg", {score}));
  if (transform == "NONE") {
    if (positive) both = pair(n.Emit("Sub", {scalar(1), score}));
  } else if (transform == "LOGISTIC") {
    both = n.Emit("Sigmoid", {both});
  } else if (transform == "SOFTMAX" || transform == "SOFTMAX_ZERO") {
    ModelEdge some = n.Emit("Cast", {n.Emit("NotEqual", {score, scalar(0)})}, {{"dst_type", GeType(DType::kF64)}});
    both = n.Emit("SoftmaxV2", {both});
    if (transform == "SOFTMAX_ZERO") both = n.Emit("Mul", {both, some});
  } else {
    n.Fail(fmt::format("post_transform {} of two classes is not supported", transform));
  }
  n.Output(1, ToF32(n, both));
}

void OnnxClassifier(OnnxNode& n) {
  if (n.HasAttr("classlabels_strings")) n.Fail("string labels are not supported");
  const std::vector<int64_t> labels = n.Ints("classlabels_int64s");
  const auto classes = static_cast<int64_t>(labels.size());
  Forest f = OldForest(n, "class").Read();
  const bool one_voted = !f.targets.empty() && std::all_of(f.targets.begin(), f.targets.end(),
                                                           [&](int64_t t) { return t == f.targets[0]; });
  if (classes == 2 && one_voted) return BinaryClassifier(n, std::move(f), n.ConstInts(labels));
  const AttrMap base = {{"base_values", Values(n, "base_values")}};
  AttrMap transformed = base;
  transformed["post_transform"] = n.Str("post_transform", "NONE");
  ModelEdge best = n.Emit("ArgMaxV2", {EmitForest(n, f, classes, base), n.ConstInts({1})}, {{"dtype", DType::kI64}});
  n.Output(0, n.Emit("GatherV2", {n.ConstInts(labels), best, n.ConstInts({0})}));
  if (n.HasOutput(1)) n.Output(1, ToF32(n, EmitForest(n, f, classes, transformed)));
}

// The inverse of erf: a polynomial (Giles 2010) and one step of Newton's method.
Tensor InverseErf(const Tensor& x) {
  static constexpr double kNear[] = {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                                     -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
  static constexpr double kFar[] = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                                    -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
  auto polynomial = [](const double (&c)[9], const Tensor& w) {
    Tensor sum = w * c[0] + c[1];
    for (int i = 2; i < 9; ++i) sum = sum * w + c[i];
    return sum;
  };
  Tensor w = -Map(ScalarOp::kLog1p, -(x * x));
  Tensor y = x * Select(Less(w, 5.0), polynomial(kNear, w - 2.5), polynomial(kFar, Sqrt(w) - 3.0));
  return y - (Erf(y) - x) * Exp(y * y) * (std::sqrt(std::numbers::pi) / 2);
}

void CheckWithin(const char* what, int64_t value, int64_t low, int64_t end) {
  if (value < low || value >= end) Fail("{} {} is not within {} to {}", what, value, low, end - 1);
}

// What the library function relies on; features are its own business, as their number may be dynamic.
void CheckForest(const Body& b, int64_t targets) {
  const std::vector<int64_t> nodes = b.ConstInts("nodes"), leaves = b.ConstInts("leaves");
  const std::vector<int64_t> votes = b.ConstInts("targets");
  auto extent = [&](const char* input) {
    const Tensor x = b.Raw(input);
    if (x.rank() != 1 || !x.dim(0).IsConst()) {
      Fail("{} has shape {}, but needs one known extent", input, ToString(x.shape()));
    }
    return x.dim(0).value();
  };
  const int64_t count = extent("splits"), members = extent("members"), leaf_count = extent("leaves") - 1;
  if (static_cast<int64_t>(nodes.size()) != count * Forest::kColumns || b.Raw("nodes").rank() != 2) {
    Fail("nodes has shape {}, but needs {} rows of {}", ToString(b.Raw("nodes").shape()), count, Forest::kColumns);
  }
  for (int64_t root : b.ConstInts("roots")) CheckWithin("root", root, -leaf_count, count);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t* node = &nodes[i * Forest::kColumns];
    CheckWithin("feature", node[0], 0, std::numeric_limits<int64_t>::max());
    CheckWithin("mode", node[1], 0, kMemberMode + 1);
    for (int child : {2, 3}) CheckWithin("child", node[child], -leaf_count, count);
    CheckWithin("first member", node[5], 0, members + 1);
    CheckWithin("number of members", node[6], 0, members - node[5] + 1);
  }
  if (leaves.empty() || leaves[0] != 0 || leaves.back() != extent("weights") || leaves.back() != extent("targets") ||
      !std::is_sorted(leaves.begin(), leaves.end())) {
    Fail("leaves must count the votes up, from 0 to {}", extent("weights"));
  }
  for (int64_t target : votes) CheckWithin("target", target, 0, targets);
}

Tensor PostTransformed(const Tensor& x, const std::string& name) {
  if (name == "NONE") return x;
  if (name == "LOGISTIC") return Sigmoid(x);
  if (name == "SOFTMAX") return Softmax(x, {1});
  if (name == "PROBIT") return InverseErf(x * 2.0 - 1.0) * std::numbers::sqrt2;
  if (name != "SOFTMAX_ZERO") Fail("post_transform is '{}'", name);
  Tensor zero = ZeroLike(x), e = Select(Equal(x, 0.0), zero, Exp(x - MaxOver(x, {1})));
  return e / Max(Sum(e, {1}), std::numeric_limits<double>::min());  // zeros stay zeros
}

void EnsembleBody(Body& b) {
  Tensor x = b.In("X");
  if (x.rank() != 2) Fail("X has rank {}, but needs 2", x.rank());
  const std::string aggregate = b.Str("aggregate");
  const auto* found = std::find(std::begin(kAggregates), std::end(kAggregates), aggregate);
  if (found == std::end(kAggregates)) Fail("aggregate is '{}'", aggregate);
  const int64_t targets = b.Int("n_targets");
  CheckForest(b, targets);
  std::vector<Tensor> inputs = {x};
  for (const char* name : {"roots", "nodes", "splits", "leaves", "targets", "weights", "members"}) {
    inputs.push_back(b.Raw(name));
  }
  Tensor y = Call("tree_ensemble", inputs, {{DType::kF64, {x.dim(0), Dim(targets)}}},
                  {{"aggregate", found - kAggregates}})[0];
  const std::vector<double> base = b.Floats("base_values");
  if (!base.empty()) {
    if (static_cast<int64_t>(base.size()) != targets) {
      Fail("base_values has {} entries, but needs {}", base.size(), targets);
    }
    y = y + b.builder().Constant(LiteralFromDoubles(DType::kF64, {targets}, base));
  }
  b.OutRaw("Y", PostTransformed(y, b.Str("post_transform")));
}

}  // namespace

BELAY_OP(OnnxTreeEnsemble) {
  op.FromOnnx("ai.onnx.ml::TreeEnsemble", 5, OnnxEnsemble);
  op.FromOnnx("ai.onnx.ml::TreeEnsembleRegressor", 1, OnnxRegressor);
  op.FromOnnx("ai.onnx.ml::TreeEnsembleClassifier", 1, OnnxClassifier);
  op.Dtypes("X", kNumbers).Computes(EnsembleBody);
}

}  // namespace belay
