// The meaning of each ScalarOp on single values; see graph.h.
#pragma once
#include "graph/graph.h"

namespace belay {

double ApplyFloat(ScalarOp op, const double* x);                    // result T, in double
int64_t ApplyInt(ScalarOp op, DType dtype, const int64_t* x);       // result T; the caller wraps
bool CompareFloat(ScalarOp op, double a, double b);
bool CompareInt(ScalarOp op, DType dtype, int64_t a, int64_t b);

}  // namespace belay
