#ifndef EXTERNAL_GRAPH_OPERATOR_REG_H_
#define EXTERNAL_GRAPH_OPERATOR_REG_H_

#include "graph/operator_reg.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_OPERATOR_REG_H_
