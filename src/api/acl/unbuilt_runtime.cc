// Runtime calls that are not built yet.
#include "acl/acl.h"
#include "acl/acl_dump.h"
#include "acl/acl_rt_allocator.h"
#include "api/acl/unbuilt.h"

extern "C" {

#define BELAY_UNBUILT(...) BELAY_UNBUILT_CODE(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, __VA_ARGS__)

BELAY_UNBUILT(aclrtSetExceptionInfoCallback, aclrtExceptionInfoCallback)
BELAY_UNBUILT_VALUE(uint32_t, 0, aclrtGetTaskIdFromExceptionInfo, const aclrtExceptionInfo*)
BELAY_UNBUILT_VALUE(uint32_t, 0, aclrtGetStreamIdFromExceptionInfo, const aclrtExceptionInfo*)
BELAY_UNBUILT_VALUE(uint32_t, 0, aclrtGetThreadIdFromExceptionInfo, const aclrtExceptionInfo*)
BELAY_UNBUILT_VALUE(uint32_t, 0, aclrtGetDeviceIdFromExceptionInfo, const aclrtExceptionInfo*)
BELAY_UNBUILT_VALUE(uint32_t, 0, aclrtGetErrorCodeFromExceptionInfo, const aclrtExceptionInfo*)
BELAY_UNBUILT(aclrtReserveMemAddress, void**, size_t, size_t, void*, uint64_t)
BELAY_UNBUILT(aclrtReleaseMemAddress, void*)
BELAY_UNBUILT(aclrtMallocPhysical, aclrtDrvMemHandle*, size_t, const aclrtPhysicalMemProp*,
              uint64_t)
BELAY_UNBUILT(aclrtFreePhysical, aclrtDrvMemHandle)
BELAY_UNBUILT(aclrtMapMem, void*, size_t, size_t, aclrtDrvMemHandle, uint64_t)
BELAY_UNBUILT(aclrtUnmapMem, void*)
BELAY_UNBUILT(aclrtSetGroup, int32_t)
BELAY_UNBUILT(aclrtGetGroupCount, uint32_t*)
BELAY_UNBUILT_VALUE(aclrtGroupInfo*, nullptr, aclrtCreateGroupInfo)
BELAY_UNBUILT(aclrtDestroyGroupInfo, aclrtGroupInfo*)
BELAY_UNBUILT(aclrtGetAllGroupInfo, aclrtGroupInfo*)
BELAY_UNBUILT(aclrtGetGroupInfoDetail, const aclrtGroupInfo*, int32_t, aclrtGroupAttr, void*,
              size_t, size_t*)
BELAY_UNBUILT(aclrtGetOverflowStatus, void*, size_t, aclrtStream)
BELAY_UNBUILT(aclrtResetOverflowStatus, aclrtStream)
BELAY_UNBUILT(aclrtSubscribeHostFunc, uint64_t, aclrtStream)
BELAY_UNBUILT(aclrtProcessHostFunc, int32_t)
BELAY_UNBUILT(aclrtUnSubscribeHostFunc, uint64_t, aclrtStream)
BELAY_UNBUILT_VALUE(aclrtBinary, nullptr, aclrtCreateBinary, const void*, size_t)
BELAY_UNBUILT(aclrtDestroyBinary, aclrtBinary)
BELAY_UNBUILT(aclrtBinaryLoad, const aclrtBinary, aclrtBinHandle*)
BELAY_UNBUILT(aclrtBinaryUnLoad, aclrtBinHandle)
BELAY_UNBUILT(aclrtBinaryGetFunction, const aclrtBinHandle, const char*, aclrtFuncHandle*)
BELAY_UNBUILT(aclrtBinaryLoadFromData)   // linked by clients; declared nowhere here, so its arguments
BELAY_UNBUILT(aclrtGetFunctionAddr)      // and this one's are not looked at
BELAY_UNBUILT(aclrtLaunchKernel, aclrtFuncHandle, uint32_t, const void*, size_t, aclrtStream)
BELAY_UNBUILT(aclrtMemExportToShareableHandle, aclrtDrvMemHandle, aclrtMemHandleType, uint64_t,
              uint64_t*)
BELAY_UNBUILT(aclrtMemImportFromShareableHandle, uint64_t, int32_t, aclrtDrvMemHandle*)
BELAY_UNBUILT(aclrtMemSetPidToShareableHandle, uint64_t, int32_t*, size_t)
BELAY_UNBUILT(aclrtMemGetAllocationGranularity, aclrtPhysicalMemProp*, aclrtMemGranularityOptions,
              size_t*)
BELAY_UNBUILT(aclmdlInitDump)
BELAY_UNBUILT(aclmdlSetDump, const char*)
BELAY_UNBUILT(aclmdlFinalizeDump)
BELAY_UNBUILT_VALUE(aclrtAllocatorDesc, nullptr, aclrtAllocatorCreateDesc)
BELAY_UNBUILT(aclrtAllocatorDestroyDesc, aclrtAllocatorDesc)
BELAY_UNBUILT(aclrtAllocatorSetObjToDesc, aclrtAllocatorDesc, aclrtAllocator)
BELAY_UNBUILT(aclrtAllocatorSetAllocFuncToDesc, aclrtAllocatorDesc, aclrtAllocatorAllocFunc)
BELAY_UNBUILT(aclrtAllocatorSetFreeFuncToDesc, aclrtAllocatorDesc, aclrtAllocatorFreeFunc)
BELAY_UNBUILT(aclrtAllocatorSetAllocAdviseFuncToDesc, aclrtAllocatorDesc,
              aclrtAllocatorAllocAdviseFunc)
BELAY_UNBUILT(aclrtAllocatorSetGetAddrFromBlockFuncToDesc, aclrtAllocatorDesc,
              aclrtAllocatorGetAddrFromBlockFunc)
BELAY_UNBUILT(aclrtAllocatorRegister, aclrtStream, aclrtAllocatorDesc)
BELAY_UNBUILT(aclrtAllocatorUnregister, aclrtStream)
BELAY_UNBUILT(acldumpRegCallback, int32_t (* const)(const acldumpChunk*, int32_t), int32_t)
BELAY_UNBUILT_VOID(acldumpUnregCallback)
BELAY_UNBUILT(aclopStartDumpArgs, uint32_t, const char*)
BELAY_UNBUILT(aclopStopDumpArgs, uint32_t)

#undef BELAY_UNBUILT

}  // extern "C"
