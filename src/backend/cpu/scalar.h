// Which scalar operations generated code computes; no LLVM.
#pragma once
#include "graph/graph.h"

namespace belay {

// False for dtypes that no generated kernel computes (sub-byte, complex, strings, 8-bit floats).
inline bool IsComputableDType(DType d) { return IsFloat(d) || IsInt(d) || d == DType::kBool; }
// False when EmitScalarOp (build_math.h) has no code for it.
bool CanComputeScalarOp(ScalarOp op, DType in, DType out);
// Estimated time of one element on one core, in ns.
double ScalarOpCost(ScalarOp op, DType dtype);

}  // namespace belay
