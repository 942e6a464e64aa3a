#ifndef EXTERNAL_GRAPH_GRAPH_BUFFER_H_
#define EXTERNAL_GRAPH_GRAPH_BUFFER_H_

#include "graph/graph_buffer.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_GRAPH_BUFFER_H_
