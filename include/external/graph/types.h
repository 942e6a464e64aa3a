#ifndef EXTERNAL_GRAPH_TYPES_H_
#define EXTERNAL_GRAPH_TYPES_H_

#include "graph/types.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_TYPES_H_
