// Einsum: operands are contracted from left to right as matrix products.
#include <algorithm>
#include <map>

#include "ops/support.h"

namespace belay {
namespace {

// Letters stand for themselves; dims under an ellipsis, counted from its end, are -1, -2, ...
using Labels = std::vector<int>;

struct Operand {
  Tensor value;
  Labels labels;
};

bool Contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

Labels ParseTerm(const std::string& term, int rank, int ellipsis) {
  Labels labels;
  const size_t dots = term.find("...");
  const int letters = static_cast<int>(term.size()) - (dots == std::string::npos ? 0 : 3);
  const int covered = rank >= 0 ? rank - letters : ellipsis;
  if (covered < 0 || (dots == std::string::npos && covered != 0 && rank >= 0)) {
    Fail("the term '{}' does not fit an operand of rank {}", term, rank);
  }
  for (size_t i = 0; i < term.size(); ++i) {
    if (i == dots) {
      for (int k = covered; k > 0; --k) labels.push_back(-k);
      i += 2;
    } else {
      labels.push_back(term[i]);
    }
  }
  return labels;
}

// A label that stands twice selects the diagonal.
Operand Diagonal(const Operand& x) {
  Labels unique;
  Shape shape;
  std::vector<int> axes;
  for (size_t d = 0; d < x.labels.size(); ++d) {
    auto it = std::find(unique.begin(), unique.end(), x.labels[d]);
    axes.push_back(static_cast<int>(it - unique.begin()));
    if (it != unique.end()) continue;
    unique.push_back(x.labels[d]);
    shape.push_back(x.value.dim(static_cast<int>(d)));
  }
  if (unique.size() == x.labels.size()) return x;
  return {Gather(x.value, {}, axes, shape), unique};
}

Operand SumOut(const Operand& x, const Labels& keep) {
  std::vector<int> axes;
  Labels rest;
  for (size_t d = 0; d < x.labels.size(); ++d) {
    if (Contains(keep, x.labels[d])) {
      rest.push_back(x.labels[d]);
    } else {
      axes.push_back(static_cast<int>(d));
    }
  }
  return axes.empty() ? x : Operand{Sum(x.value, axes, false), rest};
}

Tensor Arrange(const Operand& x, const Labels& order) {
  std::vector<int> perm;
  for (int label : order) {
    perm.push_back(static_cast<int>(std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin()));
  }
  return Transpose(x.value, perm);
}

Labels Joined(std::initializer_list<Labels> parts) {
  Labels all;
  for (const Labels& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

Operand Contract(const Operand& a, const Operand& b, const Labels& keep) {
  Labels batch, summed, only_a, only_b;
  for (int label : a.labels) {
    (!Contains(b.labels, label) ? only_a : Contains(keep, label) ? batch : summed).push_back(label);
  }
  for (int label : b.labels) {
    if (!Contains(a.labels, label)) only_b.push_back(label);
  }
  Tensor lhs = Arrange(a, Joined({batch, only_a, summed})), rhs = Arrange(b, Joined({batch, summed, only_b}));
  const int nb = static_cast<int>(batch.size()), na = static_cast<int>(only_a.size()),
            ns = static_cast<int>(summed.size());
  auto product = [](const Tensor& t, int first, int end) {
    Dim n(1);
    for (int d = first; d < end; ++d) n = n * t.dim(d);
    return n;
  };
  Shape ls(lhs.shape().begin(), lhs.shape().begin() + nb), rs(rhs.shape().begin(), rhs.shape().begin() + nb);
  ls.insert(ls.end(), {product(lhs, nb, nb + na), product(lhs, nb + na, lhs.rank())});
  rs.insert(rs.end(), {product(rhs, nb, nb + ns), product(rhs, nb + ns, rhs.rank())});
  Tensor y = MatMul(Reshape(lhs, ls), Reshape(rhs, rs), AccumulatorOf(lhs.dtype()));
  Shape shape(y.shape().begin(), y.shape().begin() + nb);
  shape.insert(shape.end(), lhs.shape().begin() + nb, lhs.shape().begin() + nb + na);
  shape.insert(shape.end(), rhs.shape().begin() + nb + ns, rhs.shape().end());
  return {Cast(Reshape(y, shape), lhs.dtype()), Joined({batch, only_a, only_b})};
}

std::vector<std::string> SplitTerms(const std::string& text) {
  std::vector<std::string> terms(1);
  for (char c : text) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  return terms;
}

// Without "->": the ellipsis, then the letters that occur once, in alphabetical order.
Labels ImplicitOutput(const std::vector<std::string>& terms, int ellipsis) {
  std::map<int, int> counts;
  for (const std::string& term : terms) {
    for (char c : term) {
      if (c != '.') ++counts[c];
    }
  }
  Labels out;
  for (int k = ellipsis; k > 0; --k) out.push_back(-k);
  for (auto [label, count] : counts) {
    if (count == 1) out.push_back(label);
  }
  return out;
}

void EinsumBody(Body& b) {
  std::string equation = b.Str("equation");
  std::erase(equation, ' ');
  const size_t arrow = equation.find("->");
  const std::vector<std::string> terms = SplitTerms(equation.substr(0, arrow));
  std::vector<Tensor> inputs = b.Ins("x");
  if (terms.size() != inputs.size()) {
    Fail("equation '{}' has {} terms, but there are {} operands", equation, terms.size(), inputs.size());
  }
  std::vector<Operand> operands;
  int ellipsis = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    Operand x{inputs[i], ParseTerm(terms[i], inputs[i].rank(), 0)};
    for (int label : x.labels) ellipsis = std::max(ellipsis, -label);
    operands.push_back(Diagonal(x));
  }
  const Labels out = arrow == std::string::npos ? ImplicitOutput(terms, ellipsis)
                                                : ParseTerm(equation.substr(arrow + 2), -1, ellipsis);
  Operand acc = operands[0];
  for (size_t i = 1; i <= operands.size(); ++i) {
    Labels keep = out;
    for (size_t k = i; k < operands.size(); ++k) {
      keep.insert(keep.end(), operands[k].labels.begin(), operands[k].labels.end());
    }
    acc = SumOut(acc, keep);
    if (i == operands.size()) break;
    Labels later = out;
    for (size_t k = i + 1; k < operands.size(); ++k) {
      later.insert(later.end(), operands[k].labels.begin(), operands[k].labels.end());
    }
    Labels wanted = later;
    wanted.insert(wanted.end(), acc.labels.begin(), acc.labels.end());
    acc = Contract(acc, SumOut(operands[i], wanted), later);
  }
  for (int label : out) {
    if (!Contains(acc.labels, label)) Fail("equation '{}' has an output label without operand", equation);
  }
  b.Out("y", Arrange(acc, out));
}

}  // namespace

BELAY_OP(Einsum) {
  op.FromOnnx("Einsum", 12, [](OnnxNode& n) {
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
    n.Output(0, n.Emit("Einsum", inputs,
                       {{"equation", n.Str("equation", "")}, {"N", int64_t{n.input_count()}}}));
  });
  op.Dtypes("x", kNumbers).Computes(EinsumBody);
}

}  // namespace belay
