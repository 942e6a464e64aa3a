#ifndef EXTERNAL_GE_GE_GRAPH_COMPILE_SUMMARY_H_
#define EXTERNAL_GE_GE_GRAPH_COMPILE_SUMMARY_H_

#include "ge/ge_graph_compile_summary.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_GRAPH_COMPILE_SUMMARY_H_
