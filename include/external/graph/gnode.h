#ifndef EXTERNAL_GRAPH_GNODE_H_
#define EXTERNAL_GRAPH_GNODE_H_

#include "graph/gnode.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_GNODE_H_
