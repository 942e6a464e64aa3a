#include "backend/cpu/run_support.h"

#include <cmath>
#include <cstdlib>

namespace belay {
namespace {

struct Scratch {
  void* block = nullptr;
  int64_t bytes = 0;
  ~Scratch() { std::free(block); }
};
thread_local Scratch scratch;

double FloorMod(double x, double y) {
  double r = std::fmod(x, y);
  return r != 0 && std::signbit(r) != std::signbit(y) ? r + y : r;
}

double Apply(ScalarOp op, double x, double y) {
  switch (op) {
    case ScalarOp::kPow: return std::pow(x, y);
    case ScalarOp::kFMod: return std::fmod(x, y);
    case ScalarOp::kMod: return FloorMod(x, y);
    case ScalarOp::kAtan2: return std::atan2(x, y);
    case ScalarOp::kExp: return std::exp(x);
    case ScalarOp::kExp2: return std::exp2(x);
    case ScalarOp::kExpm1: return std::expm1(x);
    case ScalarOp::kLog: return std::log(x);
    case ScalarOp::kLog2: return std::log2(x);
    case ScalarOp::kLog1p: return std::log1p(x);
    case ScalarOp::kSin: return std::sin(x);
    case ScalarOp::kCos: return std::cos(x);
    case ScalarOp::kTan: return std::tan(x);
    case ScalarOp::kAsin: return std::asin(x);
    case ScalarOp::kAcos: return std::acos(x);
    case ScalarOp::kAtan: return std::atan(x);
    case ScalarOp::kSinh: return std::sinh(x);
    case ScalarOp::kCosh: return std::cosh(x);
    case ScalarOp::kTanh: return std::tanh(x);
    case ScalarOp::kAsinh: return std::asinh(x);
    case ScalarOp::kAcosh: return std::acosh(x);
    case ScalarOp::kAtanh: return std::atanh(x);
    case ScalarOp::kErf: return std::erf(x);
    case ScalarOp::kSigmoid: return 1 / (1 + std::exp(-x));
    default: return std::nan("");
  }
}

}  // namespace

extern "C" {

void belay_index_error(const KernelCall* call, int64_t index, int64_t limit) {
  int32_t none = 0;
  if (call->error == nullptr || !call->error->set.compare_exchange_strong(none, 1)) return;
  call->error->index = index;
  call->error->limit = limit;
}

void* belay_scratch(int64_t bytes) {
  if (scratch.bytes < bytes) {
    std::free(scratch.block);
    int64_t rounded = (bytes + 4095) / 4096 * 4096;
    scratch.block = std::aligned_alloc(64, static_cast<size_t>(rounded));
    if (scratch.block == nullptr) std::abort();
    scratch.bytes = rounded;
  }
  return scratch.block;
}

void belay_map_f64(int32_t op, double* x, const double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = Apply(static_cast<ScalarOp>(op), x[i], y[i]);
}

void belay_map_f32(int32_t op, float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    x[i] = static_cast<float>(Apply(static_cast<ScalarOp>(op), x[i], y[i]));
}

void belay_pow_i64(int32_t, int64_t* x, const int64_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    uint64_t base = static_cast<uint64_t>(x[i]), result = 1;
    if (y[i] < 0) {
      x[i] = x[i] == 1 ? 1 : x[i] == -1 ? (y[i] % 2 ? -1 : 1) : 0;
      continue;
    }
    for (uint64_t k = static_cast<uint64_t>(y[i]); k != 0; k >>= 1, base *= base) {
      if (k & 1) result *= base;
    }
    x[i] = static_cast<int64_t>(result);
  }
}

}  // extern "C"

const RuntimeSymbol kRuntimeSymbols[] = {
    {"belay_index_error", reinterpret_cast<void*>(&belay_index_error)},
    {"belay_scratch", reinterpret_cast<void*>(&belay_scratch)},
    {"belay_map_f64", reinterpret_cast<void*>(&belay_map_f64)},
    {"belay_map_f32", reinterpret_cast<void*>(&belay_map_f32)},
    {"belay_pow_i64", reinterpret_cast<void*>(&belay_pow_i64)},
};
const int kRuntimeSymbolCount = sizeof(kRuntimeSymbols) / sizeof(kRuntimeSymbols[0]);

}  // namespace belay
