// What operators on texts share.
#pragma once
#include <string>
#include <vector>

#include "ops/support.h"

namespace belay {

extern const std::vector<DType> kTexts;
extern const std::vector<DType> kAnyOrTexts;  // numbers, bool and texts

Tensor TextScalar(Builder& b, std::string text);
// A library function whose one result has its first input's shape.
Tensor CallOnTexts(const char* callee, const std::vector<Tensor>& inputs, DType dtype,
                   std::vector<CallAttr> attrs = {});

// ONNX's Cast: plain digits, NaN, INF; what is no number fails when it runs.
Tensor NumberToText(const Tensor& x);
Tensor TextToNumber(const Tensor& x, DType dtype);
// Whole numbers in the texts' order.
Tensor TextRanks(const Tensor& x);

}  // namespace belay
