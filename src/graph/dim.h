// Dim: an integer expression over symbols, often a constant. Extents, slice starts and the contents of
// shape tensors are Dims; a static graph is the case where every one folds.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace belay {

// Kept as a polynomial with integer coefficients over atoms (symbols, floor divisions, ...), in one
// canonical order: equal polynomials compare equal.
class Dim {
 public:
  enum class Atom : uint8_t { kSymbol, kFloorDiv, kMod, kMin, kMax, kEqual, kLess };

  Dim(int64_t value = 0) : constant_(value) {}  // NOLINT: a number is a Dim
  static Dim Symbol(int id);

  bool IsConst() const { return rep_ == nullptr; }
  int64_t value() const { return constant_; }  // only when IsConst()
  bool IsConst(int64_t v) const { return IsConst() && constant_ == v; }
  // True when the expression cannot be negative for symbols >= 0.
  bool NonNegative() const;

  Dim operator+(const Dim& o) const;
  Dim operator-(const Dim& o) const;
  Dim operator*(const Dim& o) const;
  bool operator==(const Dim& o) const;  // same expression; false may still be equal in value
  bool operator!=(const Dim& o) const { return !(*this == o); }

  // symbol(id) gives each symbol's value. Division by zero yields 0.
  int64_t Evaluate(const std::function<int64_t(int)>& symbol) const;
  int64_t Evaluate(const std::vector<int64_t>& symbols) const;
  Dim Substitute(const std::function<Dim(int)>& symbol) const;
  struct AtomRep;
  // Asks for every atom, inner ones first; `made` is what it has become by then.
  Dim Rewrite(const std::function<Dim(const AtomRep& atom, const Dim& made)>& replace) const;
  int64_t Guess() const;  // the value where each symbol is 256, at least 1
  void CollectSymbols(std::vector<int>* ids) const;  // appends, without repeats
  std::string ToString() const;                      // "2*s0+3", "floordiv(s1+1,2)"
  int Compare(const Dim& o) const;                   // a strict total order on expressions

  struct Term;
  struct Rep;
  friend Dim MakeAtom(Atom kind, const Dim& a, const Dim& b);
  // The polynomial's terms: coefficient and factors; a constant has one term without factors.
  std::vector<Term> Terms() const;

 private:
  static Dim FromTerms(std::vector<Term> terms);
  int64_t constant_ = 0;
  std::shared_ptr<const Rep> rep_;
};

struct Dim::AtomRep {
  Atom kind;
  int symbol = 0;  // kSymbol
  Dim a, b;        // the others
};
struct Dim::Term {
  int64_t coefficient = 0;
  std::vector<std::shared_ptr<const AtomRep>> factors;  // sorted
};
struct Dim::Rep {
  std::vector<Term> terms;  // sorted, no zero coefficient
};

Dim FloorDiv(const Dim& a, const Dim& b);
Dim CeilDiv(const Dim& a, const Dim& b);
Dim TruncDiv(const Dim& a, const Dim& b);  // towards zero, as C and ONNX divide
Dim Mod(const Dim& a, const Dim& b);       // floor modulo
Dim Min(const Dim& a, const Dim& b);
Dim Max(const Dim& a, const Dim& b);
Dim Equal(const Dim& a, const Dim& b);  // 1 or 0
Dim Less(const Dim& a, const Dim& b);   // 1 or 0
Dim Select(const Dim& condition, const Dim& a, const Dim& b);  // condition is 1 or 0
Dim Abs(const Dim& a);

using Shape = std::vector<Dim>;
Dim NumElements(const Shape& shape);
// A guess where extents are open, for choices that only time depends on: a first one, as a batch, is taken for 1.
double LikelyElements(const Shape& shape);
bool IsStatic(const Shape& shape);
std::string ToString(const Shape& shape);  // "[2,s0,3]"

}  // namespace belay
