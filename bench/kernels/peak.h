// The machine's own peaks, measured: what a benchmark's percentages refer to.
#pragma once
#include <functional>

#include "backend/cpu/target.h"
#include "base/dtype.h"

namespace belay {

double Now();  // seconds
// The least time of one call, over `seconds`.
double Fastest(const std::function<void()>& f, double seconds);
// 1e9 operations (two for each product) a second of one thread with the row's best instruction for products of these
// elements: kF32, kBF16, or kI8 for bytes of any sign.
double PeakGops(const TargetRow& row, DType element);
// 1e9 bytes a second that one thread reads of memory which no cache holds, by itself or fetching some way ahead.
double ReadGBs();
// Seconds of the C library's copy, the bytes again and again.
double CopySeconds(int64_t bytes);

}  // namespace belay
