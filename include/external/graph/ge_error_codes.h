#ifndef EXTERNAL_GRAPH_GE_ERROR_CODES_H_
#define EXTERNAL_GRAPH_GE_ERROR_CODES_H_

#include "graph/ge_error_codes.h"  // IWYU pragma: export

#endif  // EXTERNAL_GRAPH_GE_ERROR_CODES_H_
