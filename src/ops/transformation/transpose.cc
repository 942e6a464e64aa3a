// Permutations of dims and conversions between memory orders.
#include <algorithm>

#include "ops/support.h"

namespace belay {
namespace {

// An empty permutation reverses the dims.
Tensor Permute(const Tensor& x, const std::vector<int64_t>& perm) {
  std::vector<int> axes;
  for (int64_t p : perm) axes.push_back(NormalizeAxis(p, x.rank(), "perm"));
  if (perm.empty()) {
    axes = AxisRange(0, x.rank());
    std::reverse(axes.begin(), axes.end());
  }
  return Transpose(x, axes);
}

}  // namespace

BELAY_OP(Transpose) {
  op.FromOnnx("Transpose", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("Transpose", {n.Input(0), n.ConstInts(n.Ints("perm"))}));
  });
  op.Computes([](Body& b) { b.OutRaw("y", Permute(b.Raw("x"), b.ConstInts("perm"))); });
}

BELAY_OP(TransposeD) {
  op.Computes([](Body& b) { b.OutRaw("y", Permute(b.Raw("x"), b.Ints("perm"))); });
}

// Between orders that name the same dims; packed orders of the accelerators are refused.
BELAY_OP(TransData) {
  op.Computes([](Body& b) {
    const std::string from = b.Str("src_format"), to = b.Str("dst_format");
    Tensor x = b.Raw("src");
    if (from == to || from == "ND" || to == "ND") return b.OutRaw("dst", x);
    if (from.size() != to.size() || static_cast<int>(from.size()) != x.rank()) {
      FailNotSupported("conversion from {} to {} of rank {}", from, to, x.rank());
    }
    std::vector<int> perm;
    for (char dim : to) {
      const size_t at = from.find(dim);
      if (at == std::string::npos) FailNotSupported("conversion from {} to {}", from, to);
      perm.push_back(static_cast<int>(at));
    }
    b.OutRaw("dst", Transpose(x, perm));
  });
}

}  // namespace belay
