// Prototypes of the operators in this library. Programs that build graphs by class include this file too; those
// that build by name, and files, need the library alone.
#ifndef RUNNING_OPS_H_
#define RUNNING_OPS_H_

#include "graph/operator_reg.h"

namespace ge {

// y[.., i] is the mean of x[.., i] to x[.., i + width - 1].
REG_OP(RunningMean)
    .INPUT(x, TensorType({DT_FLOAT}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .ATTR(width, Int, 2)
    .OP_END_FACTORY_REG(RunningMean)

// The same with the largest.
REG_OP(RunningMax)
    .INPUT(x, TensorType({DT_FLOAT, DT_INT32}))
    .OUTPUT(y, TensorType({DT_FLOAT, DT_INT32}))
    .ATTR(width, Int, 2)
    .OP_END_FACTORY_REG(RunningMax)

}  // namespace ge

#endif  // RUNNING_OPS_H_
