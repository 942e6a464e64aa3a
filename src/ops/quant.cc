#include "ops/quant.h"

#include <cctype>

namespace belay {

Tensor Saturated(const Tensor& x, DType dtype) {
  return Cast(Clamp(x, LowestOf(dtype), HighestOf(dtype)), dtype);
}

Tensor Rounded(const Tensor& x, std::string mode) {
  for (char& c : mode) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (mode == "round") return Round(x);
  if (mode == "floor") return Floor(x);
  if (mode == "ceil") return Ceil(x);
  if (mode == "trunc") return Map(ScalarOp::kTrunc, x);
  Fail("round_mode is '{}', but must be round, floor, ceil or trunc", mode);
}

Tensor Quantised(const Tensor& x, DType dtype) { return Saturated(Round(x), dtype); }

}  // namespace belay
