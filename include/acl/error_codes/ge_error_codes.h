// Error numbers of the graph engine as acl calls return them: one list, whichever header comes first.
#ifndef BELAY_INCLUDE_ACL_ERROR_CODES_GE_ERROR_CODES_H_
#define BELAY_INCLUDE_ACL_ERROR_CODES_GE_ERROR_CODES_H_

#include "ge/ge_error_codes.h"

#endif  // BELAY_INCLUDE_ACL_ERROR_CODES_GE_ERROR_CODES_H_
