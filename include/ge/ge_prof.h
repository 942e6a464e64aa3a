#ifndef INC_EXTERNAL_GE_GE_PROF_H_
#define INC_EXTERNAL_GE_GE_PROF_H_

#include <cstdint>

#include "ge/ge_api_error_codes.h"

namespace ge {

// What a profile records; the values are combined with |.
enum ProfDataTypeConfig {
  kProfTaskTime = 0x2,
  kProfAiCoreMetrics = 0x4,
  kProfAicpu = 0x8,
  kProfL2cache = 0x10,
  kProfHccl = 0x20,
  kProfTrainingTrace = 0x40,
  kProfFwkScheduleL0 = 0x200,
  kProfTaskTimeL0 = 0x800,
  kProfTaskTimeL2 = 0x2000,
  kProfFwkScheduleL1 = 0x1000000
};

enum ProfilingAicoreMetrics {
  kAicoreArithmeticUtilization = 0,
  kAicorePipeUtilization = 1,
  kAicoreMemory = 2,
  kAicoreMemoryL0 = 3,
  kAicoreResourceConflictRatio = 4,
  kAicoreMemoryUB = 5,
  kAicoreL2Cache = 6,
  kAicorePipelineExecuteUtilization = 7
};

struct ProfAicoreEvents;
struct aclgrphProfConfig;

Status aclgrphProfInit(const char* profiler_path, uint32_t length);
Status aclgrphProfFinalize();
aclgrphProfConfig* aclgrphProfCreateConfig(uint32_t* deviceid_list, uint32_t device_nums,
                                           ProfilingAicoreMetrics aicore_metrics,
                                           ProfAicoreEvents* aicore_events, uint64_t data_type_config);
Status aclgrphProfDestroyConfig(aclgrphProfConfig* profiler_config);
Status aclgrphProfStart(aclgrphProfConfig* profiler_config);
Status aclgrphProfStop(aclgrphProfConfig* profiler_config);

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_PROF_H_
