#ifndef EXTERNAL_GE_GE_DATA_FLOW_API_H_
#define EXTERNAL_GE_GE_DATA_FLOW_API_H_

#include "ge/ge_data_flow_api.h"  // IWYU pragma: export

#endif  // EXTERNAL_GE_GE_DATA_FLOW_API_H_
