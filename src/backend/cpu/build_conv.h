// Convolutions as matrix problems over indirect rows, and depthwise convolutions by themselves.
#pragma once
#include "backend/cpu/build_contract_epilogue.h"
#include "backend/cpu/build_jit.h"

namespace belay {

// What both generators need of a kConv node.
struct ConvShape {
  const Node* node = nullptr;
  const Window* window = nullptr;
  int spatial = 0;         // dims
  MatrixOperand x;         // strides: image, spatial..., channel (1, or of planes)
  MatrixOperand w;         // strides: spatial..., C/groups, O
  int64_t taps = 1;
  Dim channels;            // of x
  Dim group_channels;      // of one group
  Dim outputs;             // O
  bool planes = false;     // x has its channels in planes: see ReadsPlanes
  std::optional<MatrixOperand> gate;  // see FindGate: x is its pixels; strides as x's
};
// Empty text when the convolution fits the generators.
std::string AnalyzeConv(const Node* node, ConvShape* shape);
bool IsDepthwise(const ConvShape& shape);

Status BuildConv(const KernelSpec& spec, const Node* anchor, const TargetRow& row, llvm::Module& module,
                 const std::string& symbol, KernelDraft* draft);
Status BuildDepthwise(const KernelSpec& spec, const ConvShape& shape, const TargetRow& row, llvm::Module& module,
                      const std::string& symbol, KernelDraft* draft);
// True where fewer multiplications outweigh the transformations; see KernelSpec::plain_sums.
bool PrefersWinograd(const KernelSpec& spec, const ConvShape& shape, const TargetRow& row);
Status BuildWinograd(const KernelSpec& spec, const ConvShape& shape, const TargetRow& row, llvm::Module& module,
                     const std::string& symbol, KernelDraft* draft);
// True where outputs are too few to fill vectors.
bool PrefersLanesOfPixels(const ConvShape& shape, const TargetRow& row);
Status BuildLanesOfPixels(const KernelSpec& spec, const ConvShape& shape, const TargetRow& row, llvm::Module& module,
                          const std::string& symbol, KernelDraft* draft);

// An input that only the operand reads, so that it may be packed.
bool IsPackable(const KernelSpec& spec, int input);

}  // namespace belay
