#ifndef EXTERNAL_GRAPH_TENSOR_H_
#define EXTERNAL_GRAPH_TENSOR_H_

#include "graph/tensor.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_TENSOR_H_
