#include "ops/text.h"

namespace belay {

const std::vector<DType> kTexts = {DType::kString};
const std::vector<DType> kAnyOrTexts = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI8,
                                        DType::kI16, DType::kI32, DType::kI64,  DType::kU8,  DType::kU16,
                                        DType::kU32, DType::kU64, DType::kBool, DType::kString};

Tensor TextScalar(Builder& b, std::string text) { return b.Constant(LiteralFromTexts({}, {std::move(text)})); }

Tensor CallOnTexts(const char* callee, const std::vector<Tensor>& inputs, DType dtype, std::vector<CallAttr> attrs) {
  return Call(callee, inputs, {{dtype, inputs[0].shape()}}, std::move(attrs))[0];
}

Tensor NumberToText(const Tensor& x) { return CallOnTexts("number_to_text", {x}, DType::kString); }

// Through a type that holds every number of the wanted one, so that it is rounded once.
Tensor TextToNumber(const Tensor& x, DType dtype) {
  DType through = DType::kF64;
  if (IsInt(dtype)) through = dtype == DType::kU64 ? DType::kU64 : DType::kI64;
  if (dtype == DType::kF32) through = dtype;
  return Cast(CallOnTexts("text_to_number", {x}, through), dtype);
}

Tensor TextRanks(const Tensor& x) { return CallOnTexts("text_ranks", {x}, DType::kI64); }

}  // namespace belay
