#ifndef EXTERNAL_GRAPH_OPERATOR_H_
#define EXTERNAL_GRAPH_OPERATOR_H_

#include "graph/operator.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_OPERATOR_H_
