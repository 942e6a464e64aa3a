#include "graph/dim.h"

#include <algorithm>

namespace belay {
namespace {

// As i64 tensors do whose contents are Dims: sums and products wrap.
int64_t Add(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }
int64_t Multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

using AtomPtr = std::shared_ptr<const Dim::AtomRep>;

int CompareAtoms(const AtomPtr& x, const AtomPtr& y) {
  if (x == y) return 0;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->symbol != y->symbol) return x->symbol < y->symbol ? -1 : 1;
  if (int c = x->a.Compare(y->a)) return c;
  return x->b.Compare(y->b);
}

int CompareFactors(const std::vector<AtomPtr>& x, const std::vector<AtomPtr>& y) {
  if (x.size() != y.size()) return x.size() > y.size() ? -1 : 1;  // higher degree first
  for (size_t i = 0; i < x.size(); ++i) {
    if (int c = CompareAtoms(x[i], y[i])) return c;
  }
  return 0;
}

int64_t FloorDivInt(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return Multiply(a, -1);
  int64_t q = a / b;
  return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}

int64_t TruncDivInt(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? Multiply(a, -1) : a / b;
}

int64_t ApplyAtom(Dim::Atom kind, int64_t a, int64_t b) {
  switch (kind) {
    case Dim::Atom::kFloorDiv: return FloorDivInt(a, b);
    case Dim::Atom::kMod: return b == 0 ? 0 : Add(a, Multiply(Multiply(FloorDivInt(a, b), b), -1));
    case Dim::Atom::kMin: return std::min(a, b);
    case Dim::Atom::kMax: return std::max(a, b);
    case Dim::Atom::kEqual: return a == b;
    case Dim::Atom::kLess: return a < b;
    case Dim::Atom::kSymbol: break;
  }
  return 0;
}

// term / divisor when that is exact.
bool DivideTerm(const Dim::Term& term, const Dim::Term& divisor, Dim::Term* quotient) {
  const int64_t by = divisor.coefficient;
  if (by == 0 || (by != -1 && term.coefficient % by != 0)) return false;
  quotient->coefficient = FloorDivInt(term.coefficient, by);
  quotient->factors = term.factors;
  for (const AtomPtr& f : divisor.factors) {
    auto& q = quotient->factors;
    auto it = std::find_if(q.begin(), q.end(), [&](auto& g) { return CompareAtoms(f, g) == 0; });
    if (it == q.end()) return false;
    q.erase(it);
  }
  return true;
}

Dim Apply(Dim::Atom kind, const Dim& a, const Dim& b) {
  switch (kind) {
    case Dim::Atom::kFloorDiv: return FloorDiv(a, b);
    case Dim::Atom::kMod: return Mod(a, b);
    case Dim::Atom::kMin: return Min(a, b);
    case Dim::Atom::kMax: return Max(a, b);
    case Dim::Atom::kEqual: return Equal(a, b);
    case Dim::Atom::kLess: return Less(a, b);
    case Dim::Atom::kSymbol: break;
  }
  return Dim();
}

}  // namespace

Dim MakeAtom(Dim::Atom kind, const Dim& a, const Dim& b) {
  auto atom = std::make_shared<Dim::AtomRep>();
  atom->kind = kind;
  atom->a = a;
  atom->b = b;
  return Dim::FromTerms({{1, {std::move(atom)}}});
}

namespace {

Dim TermToDim(const Dim::Term& term) {
  Dim d(term.coefficient);
  for (const AtomPtr& f : term.factors) {
    d = d * (f->kind == Dim::Atom::kSymbol ? Dim::Symbol(f->symbol) : MakeAtom(f->kind, f->a, f->b));
  }
  return d;
}

}  // namespace

Dim Dim::Symbol(int id) {
  auto atom = std::make_shared<AtomRep>();
  atom->kind = Atom::kSymbol;
  atom->symbol = id;
  return FromTerms({{1, {std::move(atom)}}});
}

std::vector<Dim::Term> Dim::Terms() const {
  if (rep_) return rep_->terms;
  if (constant_ == 0) return {};
  return {{constant_, {}}};
}

Dim Dim::FromTerms(std::vector<Term> terms) {
  std::sort(terms.begin(), terms.end(), [](const Term& x, const Term& y) {
    return CompareFactors(x.factors, y.factors) < 0;
  });
  std::vector<Term> merged;
  for (Term& t : terms) {
    if (!merged.empty() && CompareFactors(merged.back().factors, t.factors) == 0) {
      merged.back().coefficient = Add(merged.back().coefficient, t.coefficient);
    } else {
      merged.push_back(std::move(t));
    }
  }
  std::erase_if(merged, [](const Term& t) { return t.coefficient == 0; });
  if (merged.empty()) return Dim(0);
  if (merged.size() == 1 && merged[0].factors.empty()) return Dim(merged[0].coefficient);
  Dim d;
  auto rep = std::make_shared<Rep>();
  rep->terms = std::move(merged);
  d.rep_ = std::move(rep);
  return d;
}

bool Dim::NonNegative() const {
  if (IsConst()) return constant_ >= 0;
  for (const Term& t : rep_->terms) {
    if (t.coefficient < 0) return false;
    for (const AtomPtr& f : t.factors) {
      bool ok = true;
      if (f->kind == Atom::kFloorDiv || f->kind == Atom::kMin) {
        ok = f->a.NonNegative() && f->b.NonNegative();
      } else if (f->kind == Atom::kMax) {
        ok = f->a.NonNegative() || f->b.NonNegative();
      } else if (f->kind == Atom::kMod) {
        ok = f->b.NonNegative();
      }
      if (!ok) return false;
    }
  }
  return true;
}

Dim Dim::operator+(const Dim& o) const {
  if (IsConst() && o.IsConst()) return Dim(Add(constant_, o.constant_));
  std::vector<Term> terms = Terms();
  for (Term& t : o.Terms()) terms.push_back(std::move(t));
  return FromTerms(std::move(terms));
}

Dim Dim::operator-(const Dim& o) const { return *this + o * Dim(-1); }

Dim Dim::operator*(const Dim& o) const {
  if (IsConst() && o.IsConst()) return Dim(Multiply(constant_, o.constant_));
  std::vector<Term> terms;
  const std::vector<Term> left = Terms(), right = o.Terms();
  for (const Term& x : left) {
    for (const Term& y : right) {
      Term t{Multiply(x.coefficient, y.coefficient), x.factors};
      t.factors.insert(t.factors.end(), y.factors.begin(), y.factors.end());
      std::sort(t.factors.begin(), t.factors.end(),
                [](const AtomPtr& p, const AtomPtr& q) { return CompareAtoms(p, q) < 0; });
      terms.push_back(std::move(t));
    }
  }
  return FromTerms(std::move(terms));
}

int Dim::Compare(const Dim& o) const {
  if (rep_ == o.rep_ && rep_) return 0;
  const std::vector<Term> x = Terms(), y = o.Terms();
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  for (size_t i = 0; i < x.size(); ++i) {
    if (int c = CompareFactors(x[i].factors, y[i].factors)) return c;
    if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
  }
  return 0;
}

bool Dim::operator==(const Dim& o) const {
  if (IsConst() || o.IsConst()) return IsConst() && o.IsConst() && constant_ == o.constant_;
  return Compare(o) == 0;
}

int64_t Dim::Evaluate(const std::function<int64_t(int)>& symbol) const {
  if (IsConst()) return constant_;
  int64_t sum = 0;
  for (const Term& t : rep_->terms) {
    int64_t product = t.coefficient;
    for (const AtomPtr& f : t.factors) {
      product = Multiply(product, f->kind == Atom::kSymbol
                                      ? symbol(f->symbol)
                                      : ApplyAtom(f->kind, f->a.Evaluate(symbol), f->b.Evaluate(symbol)));
    }
    sum = Add(sum, product);
  }
  return sum;
}

int64_t Dim::Evaluate(const std::vector<int64_t>& symbols) const {
  if (IsConst()) return constant_;
  return Evaluate([&](int id) { return symbols[id]; });
}

int64_t Dim::Guess() const {
  return std::max<int64_t>(1, Evaluate([](int) { return 256; }));
}

Dim Dim::Rewrite(const std::function<Dim(const AtomRep& atom, const Dim& made)>& replace) const {
  if (IsConst()) return *this;
  Dim sum;
  for (const Term& t : rep_->terms) {
    Dim product(t.coefficient);
    for (const AtomPtr& f : t.factors) {
      const Dim made = f->kind == Atom::kSymbol ? Symbol(f->symbol)
                                                : Apply(f->kind, f->a.Rewrite(replace), f->b.Rewrite(replace));
      product = product * replace(*f, made);
    }
    sum = sum + product;
  }
  return sum;
}

Dim Dim::Substitute(const std::function<Dim(int)>& symbol) const {
  return Rewrite([&](const AtomRep& atom, const Dim& made) {
    return atom.kind == Atom::kSymbol ? symbol(atom.symbol) : made;
  });
}

void Dim::CollectSymbols(std::vector<int>* ids) const {
  if (IsConst()) return;
  for (const Term& t : rep_->terms) {
    for (const AtomPtr& f : t.factors) {
      if (f->kind != Atom::kSymbol) {
        f->a.CollectSymbols(ids);
        f->b.CollectSymbols(ids);
      } else if (std::find(ids->begin(), ids->end(), f->symbol) == ids->end()) {
        ids->push_back(f->symbol);
      }
    }
  }
}

std::string Dim::ToString() const {
  if (IsConst()) return std::to_string(constant_);
  static const char* const kNames[] = {"s", "floordiv", "mod", "min", "max", "eq", "lt"};
  std::string text;
  for (const Term& t : rep_->terms) {
    std::string factor;
    if (t.coefficient != 1 || t.factors.empty()) factor = std::to_string(t.coefficient);
    for (const AtomPtr& f : t.factors) {
      if (!factor.empty()) factor += "*";
      factor += kNames[static_cast<int>(f->kind)];
      factor += f->kind == Atom::kSymbol ? std::to_string(f->symbol)
                                         : "(" + f->a.ToString() + "," + f->b.ToString() + ")";
    }
    if (!text.empty()) text += "+";
    text += factor;
  }
  return text;
}

Dim FloorDiv(const Dim& a, const Dim& b) {
  if (a.IsConst() && b.IsConst()) return FloorDivInt(a.value(), b.value());
  if (b.IsConst(1)) return a;
  if (a.IsConst(0)) return 0;
  const std::vector<Dim::Term> divisor = b.Terms();
  if (divisor.size() == 1) {
    // (q*b + r) / b = q + r / b: take the exactly divisible terms out.
    Dim whole, rest;
    for (const Dim::Term& t : a.Terms()) {
      Dim::Term q;
      if (DivideTerm(t, divisor[0], &q)) {
        whole = whole + TermToDim(q);
      } else {
        rest = rest + TermToDim(t);
      }
    }
    if (rest.IsConst(0)) return whole;
    if (rest.IsConst() && b.IsConst()) return whole + FloorDivInt(rest.value(), b.value());
    // floor(floor(x / p) / q) = floor(x / (p * q)) for positive p and q.
    const std::vector<Dim::Term> left = rest.Terms();
    if (left.size() == 1 && left[0].coefficient == 1 && left[0].factors.size() == 1 && b.IsConst() &&
        b.value() > 0) {
      const Dim::AtomRep& inner = *left[0].factors[0];
      if (inner.kind == Dim::Atom::kFloorDiv && inner.b.IsConst() && inner.b.value() > 0) {
        return whole + FloorDiv(inner.a, inner.b * b);
      }
    }
    return whole + MakeAtom(Dim::Atom::kFloorDiv, rest, b);
  }
  if (a == b) return 1;
  return MakeAtom(Dim::Atom::kFloorDiv, a, b);
}

Dim CeilDiv(const Dim& a, const Dim& b) { return FloorDiv(a + b - Dim(1), b); }

Dim TruncDiv(const Dim& a, const Dim& b) {
  if (a.IsConst() && b.IsConst()) return TruncDivInt(a.value(), b.value());
  if (a.NonNegative() && b.NonNegative()) return FloorDiv(a, b);
  Dim q = FloorDiv(Abs(a), Abs(b));
  Dim negative = Less(a, 0) + Less(b, 0) - Less(a, 0) * Less(b, 0) * Dim(2);
  return Select(negative, q * Dim(-1), q);
}

Dim Mod(const Dim& a, const Dim& b) {
  if (a.IsConst() && b.IsConst()) return ApplyAtom(Dim::Atom::kMod, a.value(), b.value());
  if (b.IsConst(1) || a == b) return 0;
  Dim q = FloorDiv(a, b);
  if (q * b == a) return 0;
  return MakeAtom(Dim::Atom::kMod, a, b);
}

Dim Min(const Dim& a, const Dim& b) {
  if (a.IsConst() && b.IsConst()) return std::min(a.value(), b.value());
  if ((b - a).NonNegative()) return a;
  if ((a - b).NonNegative()) return b;
  return a.Compare(b) < 0 ? MakeAtom(Dim::Atom::kMin, a, b) : MakeAtom(Dim::Atom::kMin, b, a);
}

Dim Max(const Dim& a, const Dim& b) {
  if (a.IsConst() && b.IsConst()) return std::max(a.value(), b.value());
  if ((b - a).NonNegative()) return b;
  if ((a - b).NonNegative()) return a;
  return a.Compare(b) < 0 ? MakeAtom(Dim::Atom::kMax, a, b) : MakeAtom(Dim::Atom::kMax, b, a);
}

Dim Equal(const Dim& a, const Dim& b) {
  Dim difference = a - b;
  if (difference.IsConst()) return difference.IsConst(0) ? 1 : 0;
  if ((difference - Dim(1)).NonNegative() || (b - a - Dim(1)).NonNegative()) return 0;
  return a.Compare(b) < 0 ? MakeAtom(Dim::Atom::kEqual, a, b) : MakeAtom(Dim::Atom::kEqual, b, a);
}

Dim Less(const Dim& a, const Dim& b) {
  if ((a - b).NonNegative()) return 0;
  if ((b - a - Dim(1)).NonNegative()) return 1;
  return MakeAtom(Dim::Atom::kLess, a, b);
}

Dim Select(const Dim& condition, const Dim& a, const Dim& b) {
  if (condition.IsConst()) return condition.value() ? a : b;
  return condition * a + (Dim(1) - condition) * b;
}

Dim Abs(const Dim& a) { return a.NonNegative() ? a : Max(a, a * Dim(-1)); }

Dim NumElements(const Shape& shape) {
  Dim n(1);
  for (const Dim& d : shape) n = n * d;
  return n;
}

double LikelyElements(const Shape& shape) {
  double n = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (d != 0 || shape[d].IsConst()) n *= static_cast<double>(shape[d].Guess());
  }
  return n;
}

bool IsStatic(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.IsConst(); });
}

std::string ToString(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + shape[i].ToString();
  return text + "]";
}

}  // namespace belay
