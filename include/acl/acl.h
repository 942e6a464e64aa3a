// Everything a runtime client includes.
#ifndef BELAY_INCLUDE_ACL_ACL_H_
#define BELAY_INCLUDE_ACL_ACL_H_

#include "acl/acl_mdl.h"
#include "acl/acl_op.h"
#include "acl/acl_rt.h"

#endif  // BELAY_INCLUDE_ACL_ACL_H_
