#ifndef EXTERNAL_GRAPH_INFERENCE_CONTEXT_H_
#define EXTERNAL_GRAPH_INFERENCE_CONTEXT_H_

#include "graph/inference_context.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_INFERENCE_CONTEXT_H_
