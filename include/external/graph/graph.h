#ifndef EXTERNAL_GRAPH_GRAPH_H_
#define EXTERNAL_GRAPH_GRAPH_H_

#include "graph/graph.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_GRAPH_H_
