// Depthwise convolutions: vectors of channels, several output pixels at once.
#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_conv.h"

namespace belay {

bool IsDepthwise(const ConvShape&) { return false; }

Status BuildDepthwise(const KernelSpec&, const ConvShape&, const TargetRow&, llvm::Module&, const std::string&,
                      KernelDraft*) {
  return NotSupported("depthwise");
}

}  // namespace belay
