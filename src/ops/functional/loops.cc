#include "ops/functional/loops.h"

#include <algorithm>
#include <map>

#include "graph/element_type.h"

namespace belay {

const ModelGraph& SubgraphOf(const Body& b, const char* name) {
  auto it = b.node().subgraphs.find(name);
  if (it == b.node().subgraphs.end() || it->second.empty() || !it->second[0]) {
    Fail("subgraph {} is required, but not set", name);
  }
  return *it->second[0];
}

Tensor Truth(const Tensor& t) {
  if (t.rank() > 0 && !NumElements(t.shape()).IsConst(1)) {
    return t.builder().FromDim(DType::kBool, Dim(1) - Equal(NumElements(t.shape()), 0));
  }
  Tensor scalar = Reshape(t, {});
  return scalar.dtype() == DType::kBool ? scalar : NotEqual(scalar, 0.0);
}

std::vector<TensorType> TypesOf(const std::vector<Tensor>& tensors) {
  std::vector<TensorType> types;
  for (const Tensor& t : tensors) types.push_back(t.node()->type);
  return types;
}

std::vector<Node*> NodesOf(const std::vector<Tensor>& tensors) {
  std::vector<Node*> nodes;
  for (const Tensor& t : tensors) nodes.push_back(t.node());
  return nodes;
}

std::vector<Tensor> WrapAll(Builder& b, const std::vector<Node*>& nodes) {
  std::vector<Tensor> tensors;
  for (Node* n : nodes) tensors.push_back(b.Wrap(n));
  return tensors;
}

std::vector<Tensor> AddInputs(Builder& b, const std::vector<TensorType>& types) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < types.size(); ++i) {
    inputs.push_back(b.Wrap(b.graph().AddInput(static_cast<int>(i), types[i])));
  }
  return inputs;
}

TensorType Joiner::Join(const TensorType& x, const TensorType& y, const char* what) {
  if (x.dtype != y.dtype || x.shape.size() != y.shape.size()) {
    FailNotSupported("{} of {} on one way and {} on the other", what, ToString(x), ToString(y));
  }
  TensorType joined = x;
  joined.element = JoinElements(x.element, y.element);
  for (size_t d = 0; d < x.shape.size(); ++d) {
    if (x.shape[d] != y.shape[d] || IsInner(x.shape[d])) joined.shape[d] = Fresh();
  }
  return joined;
}

TensorType Joiner::FromInside(TensorType type) {
  for (Dim& d : type.shape) {
    if (IsInner(d)) d = Fresh();
  }
  return type;
}

Dim Joiner::Fresh() { return b_.NewBound("extent", &binds_); }

bool Joiner::Binds(const Dim& d) const {
  return std::any_of(binds_.begin(), binds_.end(), [&](int id) { return d == Dim::Symbol(id); });
}

// Symbols that a subgraph binds mean nothing outside of it.
bool Joiner::IsInner(const Dim& d) const {
  std::vector<int> ids;
  d.CollectSymbols(&ids);
  return std::any_of(ids.begin(), ids.end(), [&](int id) {
    return id >= outer_symbols_ && std::find(binds_.begin(), binds_.end(), id) == binds_.end();
  });
}

namespace {

// Exporters take single elements for scalars, so that ways to a value differ in rank: it has the greatest.
bool IsSingle(const TensorType& t) { return t.dtype != DType::kResource && NumElements(t.shape).IsConst(1); }

bool DiffersInRankAlone(const TensorType& x, const TensorType& y) {
  return x.dtype == y.dtype && x.shape.size() != y.shape.size() && IsSingle(x) && IsSingle(y);
}

Node* SingleOfRank(Builder& b, Node* x, size_t rank) { return Reshape(b.Wrap(x), Shape(rank, Dim(1))).node(); }

void AlignRanks(Builder& b, Graph* yes, Graph* no) {
  for (size_t k = 0; k < yes->outputs.size(); ++k) {
    Node *&x = yes->outputs[k], *&y = no->outputs[k];
    if (!DiffersInRankAlone(x->type, y->type)) continue;
    const size_t rank = std::max(x->shape().size(), y->shape().size());
    Builder in_yes(yes, &b.root()), in_no(no, &b.root());
    x = SingleOfRank(in_yes, x, rank);
    y = SingleOfRank(in_no, y, rank);
  }
}

bool IsRead(const Graph& subgraph, size_t input) { return UseCounts(subgraph)[subgraph.inputs[input]->id] > 0; }

// In place of a first value that no turn reads, as its rank is not the later ones'.
Node* NothingYet(Builder& b, const TensorType& type, const std::vector<int>& binds) {
  Shape shape = type.shape;
  for (Dim& d : shape) {
    std::vector<int> ids;
    d.CollectSymbols(&ids);
    const auto open = [&](int id) { return std::find(binds.begin(), binds.end(), id) != binds.end(); };
    if (std::any_of(ids.begin(), ids.end(), open)) d = 0;
  }
  return Full(b, shape, type.dtype, 0).node();
}

std::vector<Tensor> Results(Builder& b, Node* node) {
  if (node->call_types.size() == 1) return {b.Wrap(node)};
  std::vector<Tensor> results;
  for (size_t k = 0; k < node->call_types.size(); ++k) {
    Node* get = b.graph().Add(Op::kGetOutput, {node}, node->call_types[k]);
    get->index = static_cast<int>(k);
    results.push_back(b.Wrap(get));
  }
  return results;
}

}  // namespace

std::vector<Tensor> MakeIf(Builder& b, const Tensor& condition, const std::vector<Tensor>& arguments,
                           std::shared_ptr<Graph> yes, std::shared_ptr<Graph> no, Joiner joiner) {
  std::vector<TensorType> types;
  AlignRanks(b, yes.get(), no.get());
  for (size_t k = 0; k < yes->outputs.size(); ++k) {
    types.push_back(joiner.Join(yes->outputs[k]->type, no->outputs[k]->type, "a result"));
  }
  std::vector<Node*> inputs = {condition.node()};
  for (Node* n : NodesOf(arguments)) inputs.push_back(n);
  Node* node = b.graph().Add(Op::kIf, inputs, types[0]);
  node->subgraphs = {std::move(yes), std::move(no)};
  node->call_types = types;
  node->binds = joiner.binds();
  return Results(b, node);
}

std::vector<Tensor> MakeWhile(Builder& b, const std::vector<Tensor>& initial, const std::vector<TensorType>& types,
                              std::shared_ptr<Graph> condition, std::shared_ptr<Graph> body, std::vector<int> binds) {
  std::vector<Node*> inputs = NodesOf(initial);
  bool needs_turn = false;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const size_t rank = types[k].shape.size();
    if (inputs[k]->shape().size() == rank) continue;
    if (DiffersInRankAlone(inputs[k]->type, types[k])) {
      inputs[k] = SingleOfRank(b, inputs[k], rank);
      continue;
    }
    if (IsRead(*condition, k)) {
      FailNotSupported("a loop whose value changes from {} to {}", ToString(inputs[k]->type), ToString(types[k]));
    }
    inputs[k] = NothingYet(b, types[k], binds);
    needs_turn = true;
  }
  Node* node = b.graph().Add(Op::kWhile, inputs, types[0]);
  if (needs_turn) node->attrs = {{kNeedsTurn, 1}};
  node->subgraphs = {std::move(condition), std::move(body)};
  node->call_types = types;
  node->binds = std::move(binds);
  return Results(b, node);
}

std::shared_ptr<Graph> LowerUntilStable(
    std::vector<TensorType>* types, Joiner* joiner,
    const std::function<std::shared_ptr<Graph>(const std::vector<TensorType>&)>& lower) {
  for (int round = 0; round < 8; ++round) {
    std::shared_ptr<Graph> body = lower(*types);
    bool stable = true;
    for (size_t k = 0; k < types->size(); ++k) {
      if (DiffersInRankAlone(body->outputs[k]->type, (*types)[k])) {
        Shape& wanted = (*types)[k].shape;
        stable = stable && wanted.size() > body->outputs[k]->shape().size();
        wanted.resize(std::max(wanted.size(), body->outputs[k]->shape().size()), Dim(1));
        Builder inner(body.get(), &joiner->root());
        body->outputs[k] = SingleOfRank(inner, body->outputs[k], wanted.size());
      }
      const TensorType next = body->outputs[k]->type, now = (*types)[k];
      if (next.dtype == now.dtype && next.shape.size() != now.shape.size() && !IsRead(*body, k)) {
        (*types)[k] = joiner->FromInside(next);
        stable = false;
        continue;
      }
      if (next.dtype != now.dtype || next.shape.size() != now.shape.size()) {
        FailNotSupported("a loop whose value changes from {} to {}", ToString(now), ToString(next));
      }
      const ElementTypePtr elements = JoinElements(now.element, next.element);
      stable = stable && SameElements(elements, now.element);
      (*types)[k].element = elements;
      for (size_t d = 0; d < now.shape.size(); ++d) {
        std::vector<int> ids;
        now.shape[d].CollectSymbols(&ids);
        const bool open = ids.size() == 1 && now.shape[d] == Dim::Symbol(ids[0]) &&
                          std::find(joiner->binds().begin(), joiner->binds().end(), ids[0]) != joiner->binds().end();
        if (open || next.shape[d] == now.shape[d]) continue;
        (*types)[k].shape[d] = joiner->Fresh();
        stable = false;
      }
    }
    if (stable) return body;
  }
  FailNotSupported("a loop whose shapes do not settle");
}

std::vector<Tensor> CopyInto(Builder& to, const Graph& from, const std::vector<Tensor>& arguments) {
  std::map<const Node*, Node*> copies;
  for (Node* node : TopologicalOrder(from)) {
    if (node->op == Op::kInput) {
      copies[node] = arguments[node->index].node();
      continue;
    }
    std::vector<Node*> inputs;
    for (Node* in : node->inputs) inputs.push_back(copies.at(in));
    copies[node] = CopyNode(to.graph(), *node, inputs);
  }
  std::vector<Tensor> results;
  for (Node* out : from.outputs) results.push_back(to.Wrap(copies.at(out)));
  return results;
}

}  // namespace belay
