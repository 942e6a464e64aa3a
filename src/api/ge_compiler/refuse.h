// Offline building is declared and refuses: the reason goes to the same report as every other error.
#pragma once
#include "graph/ge_error_codes.h"

namespace belay::api {

ge::graphStatus RefuseBuild(const char* function);

}  // namespace belay::api
