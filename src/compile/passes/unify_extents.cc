// Extents that guards say are equal become one expression: x[s0] + y[s1], where eq(s0,s1), is a sum of two x[s0], and
// the view that made one of the other is none. A call that breaks a guard has another variant.
#include <algorithm>
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
    return d.Rewrite([&](const Dim::AtomRep&, const Dim& atom) {
      for (auto& [known, value] : values_) {
        if (known == atom) return value;
      }
      return atom;
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

  // zero = 0 for the symbol that came last, of those that it says, or for a function of symbols.
  void Solve(Dim zero) {
    int64_t divisor = 0;
    for (const Dim::Term& t : zero.Terms()) divisor = std::gcd(divisor, t.coefficient);
    if (divisor > 1) zero = FloorDiv(zero, divisor);
    int last = -2;  // -1: a function
    Dim best, value;
    for (const Dim::Term& t : zero.Terms()) {
      if (t.factors.size() != 1 || (t.coefficient != 1 && t.coefficient != -1)) continue;
      const Dim::AtomRep& factor = *t.factors[0];
      const bool is_symbol = factor.kind == Dim::Atom::kSymbol;
      const int id = is_symbol ? factor.symbol : -1;
      const Dim atom = is_symbol ? Dim::Symbol(id) : MakeAtom(factor.kind, factor.a, factor.b);
      const Dim others = atom - zero * Dim(t.coefficient);
      if (id < last || Holds(others, atom) || Subtracts(others)) continue;
      last = id;
      best = atom;
      value = others;
    }
    if (last < -1) return;
    values_.emplace_back(best, value);
    for (auto& [atom, known] : values_) known = Apply(known);
  }

  static bool Subtracts(const Dim& d) {
    const std::vector<Dim::Term> terms = d.Terms();
    return std::any_of(terms.begin(), terms.end(), [](const Dim::Term& t) { return t.coefficient < 0; });
  }

  static bool Holds(const Dim& d, const Dim& atom) {
    bool found = false;
    (void)d.Rewrite([&](const Dim::AtomRep&, const Dim& made) {
      found = found || made == atom;
      return made;
    });
    return found;
  }

  std::vector<std::pair<Dim, Dim>> values_;  // of symbols and functions that stand in none of them
};

// `graph` is a copy of the pass's own.
void Unify(const Equalities& equal, Graph* graph) {
  for (const auto& node : graph->nodes()) {
    equal.Apply(&node->type.shape);
    equal.Apply(&node->starts);
    equal.Apply(&node->steps);
    for (TensorType& type : node->call_types) equal.Apply(&type.shape);
    if (node->contents) equal.Apply(&*node->contents);
    if (node->window) {
      auto window = std::make_shared<Window>(*node->window);
      equal.Apply(&window->pads_lo);
      node->window = std::move(window);
    }
    for (auto& sub : node->subgraphs) {
      sub = RewriteGraph(*sub, nullptr);
      Unify(equal, sub.get());
    }
  }
}

}  // namespace

std::unique_ptr<Graph> UnifyExtents(const Graph& graph) {
  std::unique_ptr<Graph> out = RewriteGraph(graph, nullptr);
  const Equalities equal(graph);
  if (!equal.empty()) Unify(equal, out.get());
  return out;
}

}  // namespace belay
