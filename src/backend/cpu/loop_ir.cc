#include "backend/cpu/loop_ir.h"

#include <algorithm>

namespace belay {
namespace {

using AtomKind = Dim::Atom;

Dim AtomValue(const Dim::AtomRep& atom) {
  return atom.kind == AtomKind::kSymbol ? Dim::Symbol(atom.symbol)
                                        : MakeAtom(atom.kind, atom.a, atom.b);
}

}  // namespace

Dim TermValue(const Dim::Term& term) {
  Dim value(term.coefficient);
  for (const auto& f : term.factors) value = value * AtomValue(*f);
  return value;
}

int LoopProgram::NewVar(const Dim& extent) {
  extents.push_back(extent);
  return static_cast<int>(extents.size()) - 1;
}

LoopExpr* LoopProgram::NewExpr(LoopExpr::Kind kind, DType dtype) {
  exprs.emplace_back();
  exprs.back().kind = kind;
  exprs.back().dtype = dtype;
  return &exprs.back();
}

VarSet LoopProgram::VarsOf(int symbol) const {
  if (IsGatherSymbol(symbol)) return gathered[symbol - kGatherSymbol].index->used;
  return IsLoopSymbol(symbol) ? VarSet{1} << (symbol - kLoopSymbol) : 0;
}

VarSet LoopProgram::VarsOf(const Dim& index) const {
  if (index.IsConst()) return 0;
  std::vector<int> ids;
  index.CollectSymbols(&ids);
  VarSet used = 0;
  for (int id : ids) used |= VarsOf(id);
  return used;
}

namespace {

// The extreme value of an index expression; empty when it cannot be told.
class Bounds {
 public:
  explicit Bounds(const LoopProgram& p) : p_(p) {}

  std::optional<Dim> Of(const Dim& index, bool highest) const {
    if (index.IsConst()) return index;
    Dim sum;
    for (const Dim::Term& t : index.Terms()) {
      auto v = OfTerm(t, (t.coefficient > 0) == highest);
      if (!v) return std::nullopt;
      sum = sum + *v;
    }
    return sum;
  }

 private:
  std::optional<Dim> OfTerm(const Dim::Term& t, bool highest) const {
    Dim value(t.coefficient);
    for (const auto& f : t.factors) {
      if (IsParameter(*f)) {
        value = value * AtomValue(*f);
        if (!AtomValue(*f).NonNegative()) return std::nullopt;
        continue;
      }
      auto v = OfAtom(*f, highest);
      if (!v) return std::nullopt;
      // With several factors only non-negative ones multiply monotonously.
      if (t.factors.size() > 1 && !(highest || v->NonNegative())) return std::nullopt;
      value = value * *v;
    }
    return value;
  }
  bool IsParameter(const Dim::AtomRep& f) const {
    std::vector<int> ids;
    AtomValue(f).CollectSymbols(&ids);
    for (int id : ids) {
      if (id >= kLoopSymbol) return false;
    }
    return true;
  }
  std::optional<Dim> OfAtom(const Dim::AtomRep& f, bool highest) const {
    switch (f.kind) {
      case AtomKind::kSymbol: {
        if (!highest) return Dim(0);
        const Dim& limit = IsLoopSymbol(f.symbol) ? p_.extents[f.symbol - kLoopSymbol]
                                                  : p_.gathered[f.symbol - kGatherSymbol].limit;
        return limit - Dim(1);
      }
      case AtomKind::kMod:
        if (!f.b.NonNegative()) return std::nullopt;
        return highest ? f.b - Dim(1) : Dim(0);
      case AtomKind::kFloorDiv: {
        auto a = Of(f.a, highest);
        if (!a || !f.b.IsConst() || f.b.value() <= 0) return std::nullopt;
        return FloorDiv(*a, f.b);
      }
      case AtomKind::kEqual:
      case AtomKind::kLess: return highest ? Dim(1) : Dim(0);
      default: return std::nullopt;
    }
  }
  const LoopProgram& p_;
};

}  // namespace

std::optional<Dim> LoopProgram::Lowest(const Dim& index) const {
  return Bounds(*this).Of(index, false);
}
std::optional<Dim> LoopProgram::Highest(const Dim& index) const {
  return Bounds(*this).Of(index, true);
}
bool LoopProgram::ProvablyNonNegative(const Dim& index) const {
  auto low = Lowest(index);
  return low && low->NonNegative();
}

std::optional<LinearParts> LinearIn(const LoopProgram& program, const Dim& index, int var) {
  VarSet bit = VarSet{1} << var;
  LinearParts parts;
  for (const Dim::Term& t : index.Terms()) {
    if ((program.VarsOf(TermValue(t)) & bit) == 0) {
      parts.rest = parts.rest + TermValue(t);
      continue;
    }
    Dim factor(t.coefficient);
    int hits = 0;
    for (const auto& f : t.factors) {
      bool is_var = f->kind == AtomKind::kSymbol && f->symbol == kLoopSymbol + var;
      if (is_var) ++hits;
      else if (program.VarsOf(AtomValue(*f)) & bit) return std::nullopt;
      else factor = factor * AtomValue(*f);
    }
    if (hits != 1) return std::nullopt;
    parts.coefficient = parts.coefficient + factor;
  }
  return parts;
}

namespace {

struct Quotient {
  Dim q, r;
};
// linear = q * e + r with 0 <= r < e, without divisions where the ranges allow it.
Quotient Divide(const LoopProgram& p, const Dim& linear, const Dim& e) {
  if (e.IsConst(1)) return {linear, 0};
  Dim q = FloorDiv(linear, e);
  Dim whole;
  for (const Dim::Term& t : q.Terms()) {
    bool made = t.coefficient == 1 && t.factors.size() == 1 &&
                t.factors[0]->kind == AtomKind::kFloorDiv && t.factors[0]->b == e;
    if (!made) whole = whole + TermValue(t);
  }
  Dim rest = linear - whole * e;
  auto low = p.Lowest(rest), high = p.Highest(rest);
  if (low && high && low->NonNegative() && (e - Dim(1) - *high).NonNegative()) return {whole, rest};
  return {q, Mod(rest, e)};
}

}  // namespace

std::vector<Dim> LinearToCoords(const LoopProgram& p, const Dim& linear, const Shape& shape) {
  std::vector<Dim> coords(shape.size());
  if (shape.empty()) return coords;
  // What is left for the first dim is below its extent, and needs no division where that is open.
  size_t first = 0;
  while (first + 1 < shape.size() && shape[first].IsConst(1)) ++first;
  Dim left = linear;
  for (size_t k = shape.size(); k-- > first + 1;) {
    Quotient d = Divide(p, left, shape[k]);
    coords[k] = d.r;
    left = d.q;
  }
  coords[first] = left;
  return coords;
}

Dim CoordsToLinear(const std::vector<Dim>& coords, const Shape& shape) {
  Dim linear, stride = 1;
  for (size_t k = shape.size(); k-- > 0;) {
    linear = linear + coords[k] * stride;
    stride = stride * shape[k];
  }
  return linear;
}

void ForEachIndex(LoopProgram* p, const std::function<void(Dim&)>& fn) {
  for (LoopExpr& e : p->exprs) {
    fn(e.index);
    fn(e.hit);
    for (LoopCondition& c : e.conditions) fn(c.value);
  }
  for (LoopNest& n : p->nests) fn(n.store);
}

namespace {

// `outer` and `inner` stand side by side in a list, or both are missing.
bool AdjacentOrAbsent(const std::vector<int>& vars, int outer, int inner) {
  auto at = [&](int v) { return std::find(vars.begin(), vars.end(), v) - vars.begin(); };
  auto size = static_cast<std::ptrdiff_t>(vars.size());
  if (at(outer) == size && at(inner) == size) return true;
  return at(outer) != size && at(inner) != size && at(inner) == at(outer) + 1;
}

bool CanCollapse(LoopProgram* p, int outer, int inner) {
  for (const LoopNest& n : p->nests) {
    if (!AdjacentOrAbsent(n.vars, outer, inner)) return false;
  }
  for (const LoopExpr& e : p->exprs) {
    if (!AdjacentOrAbsent(e.vars, outer, inner)) return false;
  }
  VarSet both = VarSet{1} << outer | VarSet{1} << inner;
  bool ok = true;
  ForEachIndex(p, [&](Dim& d) {
    if (!ok || (p->VarsOf(d) & both) == 0) return;
    auto in = LinearIn(*p, d, inner);
    auto out = in ? LinearIn(*p, in->rest, outer) : std::nullopt;
    ok = out && (p->VarsOf(in->coefficient) & both) == 0 &&
         out->coefficient == in->coefficient * p->extents[inner];
  });
  return ok;
}

void Collapse(LoopProgram* p, int outer, int inner) {
  Dim merged = p->extents[outer] * p->extents[inner];
  ForEachIndex(p, [&](Dim& d) {
    if (d.IsConst()) return;
    d = d.Substitute([&](int id) { return id == kLoopSymbol + outer ? Dim(0) : Dim::Symbol(id); });
  });
  p->extents[inner] = merged;
  VarSet bit = VarSet{1} << outer;
  for (LoopExpr& e : p->exprs) {
    e.used &= ~bit;
    std::erase(e.vars, outer);
  }
  for (LoopNest& n : p->nests) std::erase(n.vars, outer);
}

}  // namespace

void CollapseLoops(LoopProgram* p) {
  std::vector<std::vector<int>> lists;
  for (const LoopNest& n : p->nests) lists.push_back(n.vars);
  for (const LoopExpr& e : p->exprs) {
    if (e.vars.size() > 1) lists.push_back(e.vars);
  }
  std::vector<bool> gone(p->extents.size());
  for (auto& vars : lists) {
    for (size_t k = vars.size(); k-- > 1;) {
      int outer = vars[k - 1], inner = vars[k];
      if (gone[outer] || gone[inner] || !CanCollapse(p, outer, inner)) continue;
      Collapse(p, outer, inner);
      gone[outer] = true;
      // The merged variable keeps the inner's number; the next pair is (k-2, inner).
      vars[k - 1] = inner;
    }
  }
}

}  // namespace belay
