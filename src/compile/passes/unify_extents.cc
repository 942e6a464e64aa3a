// Extents that guards say are equal become one expression: x[s0] + y[s1], where eq(s0,s1), is a sum of two x[s0], and
// the view that made one of the other is none. A call that breaks a guard has another variant.
#include <map>
#include <numeric>

#include "compile/passes/passes.h"

namespace belay {
namespace {

class Equalities {
 public:
  explicit Equalities(const Graph& graph) {
    for (const Guard& g : graph.guards) {
      if (g.expected && !g.test && !g.DependsOnRun(graph.symbols)) Learn(g.condition);
    }
  }

  bool empty() const { return values_.empty(); }
  Dim Apply(const Dim& d) const {
    return d.Substitute([&](int id) {
      const auto at = values_.find(id);
      return at == values_.end() ? Dim::Symbol(id) : at->second;
    });
  }
  void Apply(std::vector<Dim>* dims) const {
    for (Dim& d : *dims) d = Apply(d);
  }

 private:
  void Learn(const Dim& condition) {
    const std::vector<Dim::Term> terms = condition.Terms();
    if (terms.size() != 1 || terms[0].coefficient != 1 || terms[0].factors.size() != 1) return;
    const Dim::AtomRep& atom = *terms[0].factors[0];
    if (atom.kind == Dim::Atom::kEqual) Solve(Apply(atom.a) - Apply(atom.b));
  }

  // zero = 0 for the symbol that came last, of those that it says.
  void Solve(Dim zero) {
    int64_t divisor = 0;
    for (const Dim::Term& t : zero.Terms()) divisor = std::gcd(divisor, t.coefficient);
    if (divisor > 1) zero = FloorDiv(zero, divisor);
    int last = -1;
    Dim value;
    for (const Dim::Term& t : zero.Terms()) {
      if (t.factors.size() != 1 || t.factors[0]->kind != Dim::Atom::kSymbol) continue;
      if (t.coefficient != 1 && t.coefficient != -1) continue;
      const int id = t.factors[0]->symbol;
      const Dim others = Dim::Symbol(id) - zero * Dim(t.coefficient);
      std::vector<int> ids;
      others.CollectSymbols(&ids);
      if (id < last || std::count(ids.begin(), ids.end(), id) != 0 || !others.NonNegative()) continue;
      last = id;
      value = others;
    }
    if (last < 0) return;
    values_[last] = value;
    for (auto& [id, known] : values_) known = Apply(known);
  }

  std::map<int, Dim> values_;  // of symbols that stand in none of them
};

std::unique_ptr<Graph> Unify(const Graph& graph, const Equalities& equal) {
  return RewriteGraph(graph, [&](Graph& out, const Node& node, const auto& mapped) -> Node* {
    std::vector<Node*> inputs;
    for (const Node* in : node.inputs) inputs.push_back(mapped(in));
    Node* copy = CopyNode(out, node, std::move(inputs));
    equal.Apply(&copy->type.shape);
    equal.Apply(&copy->starts);
    equal.Apply(&copy->steps);
    for (TensorType& type : copy->call_types) equal.Apply(&type.shape);
    if (copy->contents) equal.Apply(&*copy->contents);
    if (copy->window) {
      auto window = std::make_shared<Window>(*copy->window);
      equal.Apply(&window->pads_lo);
      copy->window = std::move(window);
    }
    for (auto& sub : copy->subgraphs) sub = Unify(*sub, equal);
    return copy;
  });
}

}  // namespace

std::unique_ptr<Graph> UnifyExtents(const Graph& graph) {
  const Equalities equal(graph);
  return equal.empty() ? RewriteGraph(graph, nullptr) : Unify(graph, equal);
}

}  // namespace belay
