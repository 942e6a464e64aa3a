#ifndef EXTERNAL_GRAPH_RESOURCE_CONTEXT_H_
#define EXTERNAL_GRAPH_RESOURCE_CONTEXT_H_

#include "graph/resource_context.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_RESOURCE_CONTEXT_H_
