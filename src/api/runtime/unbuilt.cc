// libruntime.so: the calls below acl that clients' own device kernels need. There is no device to load them on, so
// each refuses; arguments are not looked at.
#include "api/acl/unbuilt.h"

extern "C" {

#define BELAY_UNBUILT(name) BELAY_UNBUILT_CODE(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, name)

BELAY_UNBUILT(rtDevBinaryRegister)
BELAY_UNBUILT(rtFunctionRegister)
BELAY_UNBUILT(rtGetC2cCtrlAddr)
BELAY_UNBUILT(rtKernelLaunch)

}  // extern "C"
