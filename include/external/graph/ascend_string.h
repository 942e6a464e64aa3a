#ifndef EXTERNAL_GRAPH_ASCEND_STRING_H_
#define EXTERNAL_GRAPH_ASCEND_STRING_H_

#include "graph/ascend_string.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_ASCEND_STRING_H_
