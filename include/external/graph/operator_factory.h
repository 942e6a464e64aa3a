#ifndef EXTERNAL_GRAPH_OPERATOR_FACTORY_H_
#define EXTERNAL_GRAPH_OPERATOR_FACTORY_H_

#include "graph/operator_factory.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_OPERATOR_FACTORY_H_
