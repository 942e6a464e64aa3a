// Models and single operators: loading, describing and executing them are not built yet.
#include "acl/acl.h"
#include "acl/acl_dump.h"
#include "acl/acl_rt_allocator.h"
#include "api/acl/unbuilt.h"

extern "C" {

#define BELAY_UNBUILT(...) BELAY_UNBUILT_CODE(ACL_ERROR_API_NOT_SUPPORT, __VA_ARGS__)

BELAY_UNBUILT_VALUE(aclmdlDesc*, nullptr, aclmdlCreateDesc)
BELAY_UNBUILT(aclmdlDestroyDesc, aclmdlDesc*)
BELAY_UNBUILT(aclmdlGetDesc, aclmdlDesc*, uint32_t)
BELAY_UNBUILT(aclmdlGetDescFromFile, aclmdlDesc*, const char*)
BELAY_UNBUILT(aclmdlGetDescFromMem, aclmdlDesc*, const void*, size_t)
BELAY_UNBUILT_VALUE(size_t, 0, aclmdlGetNumInputs, aclmdlDesc*)
BELAY_UNBUILT_VALUE(size_t, 0, aclmdlGetNumOutputs, aclmdlDesc*)
BELAY_UNBUILT_VALUE(size_t, 0, aclmdlGetInputSizeByIndex, aclmdlDesc*, size_t)
BELAY_UNBUILT_VALUE(size_t, 0, aclmdlGetOutputSizeByIndex, aclmdlDesc*, size_t)
BELAY_UNBUILT_VALUE(aclmdlExecConfigHandle*, nullptr, aclmdlCreateExecConfigHandle)
BELAY_UNBUILT(aclmdlDestroyExecConfigHandle, const aclmdlExecConfigHandle*)
BELAY_UNBUILT(aclmdlLoadFromFile, const char*, uint32_t*)
BELAY_UNBUILT(aclmdlBundleLoadFromFile, const char*, uint32_t*)
BELAY_UNBUILT(aclmdlBundleLoadFromMem, const void*, size_t, uint32_t*)
BELAY_UNBUILT(aclmdlBundleUnload, uint32_t)
BELAY_UNBUILT(aclmdlBundleGetModelNum, uint32_t, size_t*)
BELAY_UNBUILT(aclmdlBundleGetModelId, uint32_t, size_t, uint32_t*)
BELAY_UNBUILT(aclmdlLoadFromMem, const void*, size_t, uint32_t*)
BELAY_UNBUILT(aclmdlLoadFromFileWithMem, const char*, uint32_t*, void*, size_t, void*, size_t)
BELAY_UNBUILT(aclmdlLoadFromMemWithMem, const void*, size_t, uint32_t*, void*, size_t, void*,
              size_t)
BELAY_UNBUILT(aclmdlLoadFromFileWithQ, const char*, uint32_t*, const uint32_t*, size_t,
              const uint32_t*, size_t)
BELAY_UNBUILT(aclmdlLoadFromMemWithQ, const void*, size_t, uint32_t*, const uint32_t*, size_t,
              const uint32_t*, size_t)
BELAY_UNBUILT(aclmdlExecute, uint32_t, const aclmdlDataset*, aclmdlDataset*)
BELAY_UNBUILT(aclmdlExecuteV2, uint32_t, const aclmdlDataset*, aclmdlDataset*, aclrtStream,
              const aclmdlExecConfigHandle*)
BELAY_UNBUILT(aclmdlExecuteAsyncV2, uint32_t, const aclmdlDataset*, aclmdlDataset*, aclrtStream,
              const aclmdlExecConfigHandle*)
BELAY_UNBUILT(aclmdlExecuteAsync, uint32_t, const aclmdlDataset*, aclmdlDataset*, aclrtStream)
BELAY_UNBUILT(aclmdlUnload, uint32_t)
BELAY_UNBUILT(aclmdlQuerySize, const char*, size_t*, size_t*)
BELAY_UNBUILT(aclmdlQueryExeOMDesc, const char*, aclmdlExeOMDesc*)
BELAY_UNBUILT(aclmdlQuerySizeFromMem, const void*, size_t, size_t*, size_t*)
BELAY_UNBUILT(aclmdlSetDynamicBatchSize, uint32_t, aclmdlDataset*, size_t, uint64_t)
BELAY_UNBUILT(aclmdlSetDynamicHWSize, uint32_t, aclmdlDataset*, size_t, uint64_t, uint64_t)
BELAY_UNBUILT(aclmdlSetInputDynamicDims, uint32_t, aclmdlDataset*, size_t, const aclmdlIODims*)
BELAY_UNBUILT(aclmdlGetInputDims, const aclmdlDesc*, size_t, aclmdlIODims*)
BELAY_UNBUILT(aclmdlGetInputDimsV2, const aclmdlDesc*, size_t, aclmdlIODims*)
BELAY_UNBUILT(aclmdlGetInputDimsRange, const aclmdlDesc*, size_t, aclmdlIODimsRange*)
BELAY_UNBUILT(aclmdlGetOutputDims, const aclmdlDesc*, size_t, aclmdlIODims*)
BELAY_UNBUILT(aclmdlGetCurOutputDims, const aclmdlDesc*, size_t, aclmdlIODims*)
BELAY_UNBUILT_VALUE(const char*, "", aclmdlGetOpAttr, aclmdlDesc*, const char*, const char*)
BELAY_UNBUILT_VALUE(const char*, "", aclmdlGetInputNameByIndex, const aclmdlDesc*, size_t)
BELAY_UNBUILT_VALUE(const char*, "", aclmdlGetOutputNameByIndex, const aclmdlDesc*, size_t)
BELAY_UNBUILT_VALUE(aclFormat, ACL_FORMAT_UNDEFINED, aclmdlGetInputFormat, const aclmdlDesc*,
                    size_t)
BELAY_UNBUILT_VALUE(aclFormat, ACL_FORMAT_UNDEFINED, aclmdlGetOutputFormat, const aclmdlDesc*,
                    size_t)
BELAY_UNBUILT_VALUE(aclDataType, ACL_DT_UNDEFINED, aclmdlGetInputDataType, const aclmdlDesc*,
                    size_t)
BELAY_UNBUILT_VALUE(aclDataType, ACL_DT_UNDEFINED, aclmdlGetOutputDataType, const aclmdlDesc*,
                    size_t)
BELAY_UNBUILT(aclmdlGetInputIndexByName, const aclmdlDesc*, const char*, size_t*)
BELAY_UNBUILT(aclmdlGetOutputIndexByName, const aclmdlDesc*, const char*, size_t*)
BELAY_UNBUILT(aclmdlGetDynamicBatch, const aclmdlDesc*, aclmdlBatch*)
BELAY_UNBUILT(aclmdlGetDynamicHW, const aclmdlDesc*, size_t, aclmdlHW*)
BELAY_UNBUILT(aclmdlGetInputDynamicGearCount, const aclmdlDesc*, size_t, size_t*)
BELAY_UNBUILT(aclmdlGetInputDynamicDims, const aclmdlDesc*, size_t, aclmdlIODims*, size_t)
BELAY_UNBUILT_VALUE(aclmdlAIPP*, nullptr, aclmdlCreateAIPP, uint64_t)
BELAY_UNBUILT(aclmdlDestroyAIPP, const aclmdlAIPP*)
BELAY_UNBUILT(aclmdlGetAippDataSize, uint64_t, size_t*)
BELAY_UNBUILT(aclmdlSetAIPPInputFormat, aclmdlAIPP*, aclAippInputFormat)
BELAY_UNBUILT(aclmdlSetAIPPCscParams, aclmdlAIPP*, int8_t, int16_t, int16_t, int16_t, int16_t,
              int16_t, int16_t, int16_t, int16_t, int16_t, uint8_t, uint8_t, uint8_t, uint8_t,
              uint8_t, uint8_t)
BELAY_UNBUILT(aclmdlSetAIPPRbuvSwapSwitch, aclmdlAIPP*, int8_t)
BELAY_UNBUILT(aclmdlSetAIPPAxSwapSwitch, aclmdlAIPP*, int8_t)
BELAY_UNBUILT(aclmdlSetAIPPSrcImageSize, aclmdlAIPP*, int32_t, int32_t)
BELAY_UNBUILT(aclmdlSetAIPPScfParams, aclmdlAIPP*, int8_t, int32_t, int32_t, int32_t, int32_t,
              uint64_t)
BELAY_UNBUILT(aclmdlSetAIPPCropParams, aclmdlAIPP*, int8_t, int32_t, int32_t, int32_t, int32_t,
              uint64_t)
BELAY_UNBUILT(aclmdlSetAIPPPaddingParams, aclmdlAIPP*, int8_t, int32_t, int32_t, int32_t, int32_t,
              uint64_t)
BELAY_UNBUILT(aclmdlSetAIPPDtcPixelMean, aclmdlAIPP*, int16_t, int16_t, int16_t, int16_t, uint64_t)
BELAY_UNBUILT(aclmdlSetAIPPDtcPixelMin, aclmdlAIPP*, float, float, float, float, uint64_t)
BELAY_UNBUILT(aclmdlSetAIPPPixelVarReci, aclmdlAIPP*, float, float, float, float, uint64_t)
BELAY_UNBUILT(aclmdlSetInputAIPP, uint32_t, aclmdlDataset*, size_t, const aclmdlAIPP*)
BELAY_UNBUILT(aclmdlSetAIPPByInputIndex, uint32_t, aclmdlDataset*, size_t, const aclmdlAIPP*)
BELAY_UNBUILT(aclmdlGetAippType, uint32_t, size_t, aclmdlInputAippType*, size_t*)
BELAY_UNBUILT(aclmdlGetFirstAippInfo, uint32_t, size_t, aclAippInfo*)
BELAY_UNBUILT(aclmdlCreateAndGetOpDesc, uint32_t, uint32_t, uint32_t, char*, size_t,
              aclTensorDesc**, size_t*, aclTensorDesc**, size_t*)
BELAY_UNBUILT(aclmdlLoadWithConfig, const aclmdlConfigHandle*, uint32_t*)
BELAY_UNBUILT_VALUE(aclmdlConfigHandle*, nullptr, aclmdlCreateConfigHandle)
BELAY_UNBUILT(aclmdlDestroyConfigHandle, aclmdlConfigHandle*)
BELAY_UNBUILT(aclmdlSetConfigOpt, aclmdlConfigHandle*, aclmdlConfigAttr, const void*, size_t)
BELAY_UNBUILT(aclmdlSetExecConfigOpt, aclmdlExecConfigHandle*, aclmdlExecConfigAttr, const void*,
              size_t)
BELAY_UNBUILT_VALUE(const char*, "", aclmdlGetTensorRealName, const aclmdlDesc*, const char*)
BELAY_UNBUILT(aclRecoverAllHcclTasks, int32_t)
BELAY_UNBUILT(aclopSetModelDir, const char*)
BELAY_UNBUILT(aclopLoad, const void*, size_t)
BELAY_UNBUILT(aclopExecute, const char*, int, const aclTensorDesc* const[],
              const aclDataBuffer* const[], int, const aclTensorDesc* const[],
              aclDataBuffer* const[], const aclopAttr*, aclrtStream)
BELAY_UNBUILT(aclopExecuteV2, const char*, int, aclTensorDesc*[], aclDataBuffer*[], int,
              aclTensorDesc*[], aclDataBuffer*[], aclopAttr*, aclrtStream)
BELAY_UNBUILT(aclopCreateHandle, const char*, int, const aclTensorDesc* const[], int,
              const aclTensorDesc* const[], const aclopAttr*, aclopHandle**)
BELAY_UNBUILT_VOID(aclopDestroyHandle, aclopHandle*)
BELAY_UNBUILT(aclopExecWithHandle, aclopHandle*, int, const aclDataBuffer* const[], int,
              aclDataBuffer* const[], aclrtStream)
BELAY_UNBUILT(aclopCast, const aclTensorDesc*, const aclDataBuffer*, const aclTensorDesc*,
              aclDataBuffer*, uint8_t, aclrtStream)
BELAY_UNBUILT(aclopCreateHandleForCast, aclTensorDesc*, aclTensorDesc*, uint8_t, aclopHandle**)
BELAY_UNBUILT(aclopCreateKernel, const char*, const char*, const char*, void*, int, aclopEngineType,
              aclDataDeallocator)
BELAY_UNBUILT(aclopRegisterCompileFunc, const char*, aclopCompileFunc)
BELAY_UNBUILT(aclopUnregisterCompileFunc, const char*)
BELAY_UNBUILT(aclopSetKernelArgs, aclopKernelDesc*, const char*, uint32_t, const void*, uint32_t)
BELAY_UNBUILT(aclopSetKernelWorkspaceSizes, aclopKernelDesc*, int, size_t*)
BELAY_UNBUILT(aclopUpdateParams, const char*, int, const aclTensorDesc* const[], int,
              const aclTensorDesc* const[], const aclopAttr*)
BELAY_UNBUILT(aclopSetMaxOpQueueNum, uint64_t)
BELAY_UNBUILT(aclopInferShape, const char*, int, aclTensorDesc*[], aclDataBuffer*[], int,
              aclTensorDesc*[], aclopAttr*)

#undef BELAY_UNBUILT

}  // extern "C"
