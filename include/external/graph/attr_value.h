#ifndef EXTERNAL_GRAPH_ATTR_VALUE_H_
#define EXTERNAL_GRAPH_ATTR_VALUE_H_

#include "graph/attr_value.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_ATTR_VALUE_H_
