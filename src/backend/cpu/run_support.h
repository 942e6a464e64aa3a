// Functions that generated code calls. No LLVM here: the kernels' object files link against this
// alone.
#pragma once
#include <cstdint>

#include "backend/backend.h"

namespace belay {

struct RuntimeSymbol {
  const char* name;
  void* address;
};
extern const RuntimeSymbol kRuntimeSymbols[];
extern const int kRuntimeSymbolCount;

extern "C" {
// Records the first index outside [0, limit).
void belay_index_error(const KernelCall* call, int64_t index, int64_t limit);
// This thread's scratch memory, at least `bytes`, 64-byte aligned; the same block at the next call.
void* belay_scratch(int64_t bytes);
// x[i] = op(x[i], y[i]) for i < n with libm; op is a ScalarOp. The f32 form computes in f64 and
// rounds once.
void belay_map_f64(int32_t op, double* x, const double* y, int64_t n);
void belay_map_f32(int32_t op, float* x, const float* y, int64_t n);
// x[i] to the power y[i], wrapping; a negative power is 0 unless x is 1 or -1.
void belay_pow_i64(int32_t op, int64_t* x, const int64_t* y, int64_t n);
}

}  // namespace belay
