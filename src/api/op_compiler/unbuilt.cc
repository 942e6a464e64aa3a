// Single operators compiled by type name: not built yet.
#include "acl/acl_op_compiler.h"
#include "api/acl/unbuilt.h"

extern "C" {

#define BELAY_UNBUILT(...) BELAY_UNBUILT_CODE(ACL_ERROR_API_NOT_SUPPORT, __VA_ARGS__)

BELAY_UNBUILT(aclopCompile, const char*, int, const aclTensorDesc* const[], int, const aclTensorDesc* const[],
              const aclopAttr*, aclopEngineType, aclopCompileType, const char*)
BELAY_UNBUILT(aclopCompileAndExecute, const char*, int, const aclTensorDesc* const[], const aclDataBuffer* const[],
              int, const aclTensorDesc* const[], aclDataBuffer* const[], const aclopAttr*, aclopEngineType,
              aclopCompileType, const char*, aclrtStream)
BELAY_UNBUILT(aclopSetCompileFlag, aclOpCompileFlag)

}  // extern "C"
