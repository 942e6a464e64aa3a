#ifndef INC_EXTERNAL_GE_GE_API_TYPES_H_
#define INC_EXTERNAL_GE_GE_API_TYPES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/tensor.h"
#include "graph/types.h"

namespace ge {

using Status = uint32_t;
using RunAsyncCallback = std::function<void(Status, std::vector<ge::Tensor>&)>;

// Keys of the option maps.
const std::string AC_PARALLEL_ENABLE = "ac_parallel_enable";
const std::string AICORE_NUM = "ge.aicoreNum";
const std::string ALLOW_HF32 = "ge.exec.allow_hf32";
const std::string ATOMIC_CLEAN_POLICY = "ge.exec.atomicCleanPolicy";
const std::string AUTO_TUNE_MODE = "ge.autoTuneMode";
const std::string BUFFER_OPTIMIZE = "ge.bufferOptimize";
const std::string BUILD_INNER_MODEL = "ge.build_inner_model";
const std::string CALIBRATION_CONF_FILE = "ge.calibrationConfFile";
const std::string CERT_FILE = "ge.certFile";
const std::string CLUSTER_CONFIG = "ge.cluster_config";
const std::string COMPRESSION_OPTIMIZE_CONF = "ge.compressionOptimizeConf";
const std::string COMPRESS_FLAG = "ge.compressFlag";
const std::string COMPRESS_WEIGHT_CONF = "compress_weight_conf";
const std::string CORE_TYPE = "ge.engineType";
const std::string CUSTOMIZE_DTYPES = "ge.customizeDtypes";
const std::string DDK_VERSION_FLAG = "ge.DDK_version";
const std::string DEBUG_DIR = "ge.debugDir";
const std::string DETERMINISTIC = "ge.deterministic";
const std::string DETERMINISTIC_LEVEL = "ge.deterministicLevel";
const std::string DISPLAY_MODEL_INFO = "ge.display_model_info";
const std::string DISTRIBUTED_CLUSTER_BUILD = "ge.distributed_cluster_build";
const std::string DYNAMIC_NODE_TYPE = "ge.dynamicNodeType";
const std::string EK_FILE = "ge.ekFile";
const std::string ENABLE_COMPRESS_WEIGHT = "ge.enableCompressWeight";
const std::string ENABLE_GRAPH_PARALLEL = "ge.enableGraphParallel";
const std::string ENABLE_PRINT_OP_PASS = "ge.enablePrintOpPass";
const std::string ENABLE_SINGLE_STREAM = "ge.enableSingleStream";
const std::string ENABLE_SMALL_CHANNEL = "ge.enableSmallChannel";
const std::string ENABLE_SPARSE_MATRIX_WEIGHT = "ge.enableSparseMatrixWeight";
const std::string ENCRYPT_MODE = "ge.encryptMode";
const std::string EVENT = "ge.event";
const std::string EXCLUDE_ENGINES = "ge.exec.exclude_engines";
const std::string EXTERNAL_WEIGHT = "ge.externalWeight";
const std::string FILE_CONSTANT_PATH = "ge.exec.value_bins";
const std::string FRAMEWORK_TYPE = "ge.frameworkType";
const std::string FUSION_SWITCH_FILE = "ge.fusionSwitchFile";
const std::string FUSION_TENSOR_SIZE = "ge.fusionTensorSize";
const std::string GE_AICPU_FLAG = "ge.aicpuFlag";
const std::string GE_FE_FLAG = "ge.feFlag";
const std::string GRAPH_MAX_PARALLEL_MODEL_NUM = "ge.graphMaxParallelModelNum";
const std::string GRAPH_MEMORY_MAX_SIZE = "ge.graphMemoryMaxSize";
const std::string GRAPH_PARALLEL_OPTION_PATH = "ge.graphParallelOptionPath";
const std::string HCOM_MULTI_MODE = "ge.hcomMultiMode";
const std::string HCOM_PARALLEL = "ge.hcomParallel";
const std::string HEAD_STREAM = "ge.headStream";
const std::string HW_KEY_FILE = "ge.hwKeyFile";
const std::string INPUT_FORMAT = "input_format";
const std::string INPUT_FP16_NODES = "ge.INPUT_NODES_SET_FP16";
const std::string INPUT_HINT_SHAPE = "ge.inputHintShape";
const std::string INPUT_SHAPE = "ge.inputShape";
const std::string INPUT_SHAPE_RANGE = "input_shape_range";
const std::string INSERT_OP_FILE = "ge.insertOpFile";
const std::string JIT_COMPILE = "ge.jit_compile";
const std::string L1_FUSION = "ge.l1Fusion";
const std::string LOCAL_FMKOP_FLAG = "ge.enabledLocalFmkop";
const std::string MDL_BANK_PATH_FLAG = "ge.mdl_bank_path";
const std::string MEMORY_OPTIMIZATION_POLICY = "ge.exec.memoryOptimizationPolicy";
const std::string MODEL_RELATION_CONFIG = "ge.offline_model_relation";
const std::string MODIFY_MIXLIST = "ge.exec.modify_mixlist";
const std::string OO_CONSTANT_FOLDING = "ge.oo.constantFolding";
const std::string OO_DEAD_CODE_ELIMINATION = "ge.oo.deadCodeElimination";
const std::string OO_LEVEL = "ge.oo.level";
const std::string OPTIMIZATION_SWITCH = "ge.optimizationSwitch";
const char* const OPTION_ALL_TENSOR_NOT_EMPTY = "ge.exec.allTensorNotEmpty";
const char* const OPTION_AOE_CONFIG_FILE = "ge.aoe_config_file";
const char* const OPTION_CONST_LIFECYCLE = "ge.constLifecycle";
const char* const OPTION_DATAFLOW_DEPLOY_INFO_PATH = "ge.experiment.data_flow_deploy_info_path";
const char* const OPTION_DEVICE_TYPE = "ge.deviceType";
const char* const OPTION_DISABLE_OPTIMIZATIONS = "ge.disableOptimizations";
const char* const OPTION_DISTRIBUTE_CONFIG = "distribute_config";
const char* const OPTION_EMBEDDING_DIM = "ge.embedding_dim";
const char* const OPTION_ES_CLUSTER_CONFIG = "ge.esClusterConfig";
const char* const OPTION_EXECUTE_TIMES = "execute_times";
const char* const OPTION_EXEC_ATOMIC_FLAG = "ge.exec.enable_atomic";
const char* const OPTION_EXEC_CLUSTER_SPEC = "ge.exec.clusterSpec";
const char* const OPTION_EXEC_CM_CHIEF_DEVICE = "ge.cmChiefWorkerDevice";
const char* const OPTION_EXEC_CM_CHIEF_IP = "ge.cmChiefIp";
const char* const OPTION_EXEC_CM_CHIEF_PORT = "ge.cmChiefPort";
const char* const OPTION_EXEC_CM_WORKER_IP = "ge.cmWorkerIp";
const char* const OPTION_EXEC_CM_WORKER_SIZE = "ge.cmWorkerSize";
const char* const OPTION_EXEC_DATA_INPUTS_SHAPE_RANGE = "ge.exec.dataInputsShapeRange";
const char* const OPTION_EXEC_DEPLOY_MODE = "ge.exec.deployMode";
const char* const OPTION_EXEC_DEVICE_ID = "ge.exec.deviceId";
const char* const OPTION_EXEC_DISABLE_REUSED_MEMORY = "ge.exec.disableReuseMemory";
const char* const OPTION_EXEC_DUMP_DATA = "ge.exec.dumpData";
const char* const OPTION_EXEC_DUMP_DEBUG_MODE = "ge.exec.dumpDebugMode";
const char* const OPTION_EXEC_DUMP_LAYER = "ge.exec.dumpLayer";
const char* const OPTION_EXEC_DUMP_MODE = "ge.exec.dumpMode";
const char* const OPTION_EXEC_DUMP_PATH = "ge.exec.dumpPath";
const char* const OPTION_EXEC_DUMP_STEP = "ge.exec.dumpStep";
const char* const OPTION_EXEC_DYNAMIC_EXECUTE_MODE = "ge.exec.dynamicGraphExecuteMode";
const char* const OPTION_EXEC_DYNAMIC_INPUT = "ge.exec.dynamicInput";
const char* const OPTION_EXEC_ENABLE_COPY_OUTPUT_ADDR = "ge.exec.enableCopyOutputAddr";
const char* const OPTION_EXEC_ENABLE_DUMP = "ge.exec.enableDump";
const char* const OPTION_EXEC_ENABLE_DUMP_DEBUG = "ge.exec.enableDumpDebug";
const char* const OPTION_EXEC_ENABLE_ENGINE_PARALLEL = "ge.exec.enableEngineParallel";
const char* const OPTION_EXEC_ENABLE_EXCEPTION_DUMP = "ge.exec.enable_exception_dump";
const char* const OPTION_EXEC_ENABLE_FUSION = "ge.exec.enableFusion";
const char* const OPTION_EXEC_ENABLE_INCRE_BUILD = "ge.exec.enableIncreBuild";
const char* const OPTION_EXEC_ENABLE_SCOPE_FUSION_PASSES = "ge.exec.enableScopeFusionPasses";
const char* const OPTION_EXEC_ENABLE_TAILING_OPTIMIZATION = "ge.exec.isTailingOptimization";
const char* const OPTION_EXEC_ENGINE_PARALLEL_CONFIG_PATH = "ge.exec.engineParallelConfigPath";
const char* const OPTION_EXEC_EVENT_SYNC_TIMEOUT = "event_sync_timeout";
const char* const OPTION_EXEC_EXTERN_PLUGIN_PATH = "ge.soLoadPath";
const char* const OPTION_EXEC_GRAPH_EXEC_TIMEOUT = "ge.exec.graphExecTimeout";
const char* const OPTION_EXEC_HCCL_EXECUTE_TIMEOUT = "ge.exec.hcclExecuteTimeOut";
const char* const OPTION_EXEC_HCCL_FLAG = "ge.exec.hcclFlag";
const char* const OPTION_EXEC_HOST_INPUT_INDEXES = "ge.exec.hostInputIndexes";
const char* const OPTION_EXEC_INCRE_BUILD_CACHE_PATH = "ge.exec.increBuildCachePath";
const char* const OPTION_EXEC_IS_IN_SHARD_GRAPH = "ge.exec.isInShardGraph";
const char* const OPTION_EXEC_IS_USEHCOM = "ge.exec.isUseHcom";
const char* const OPTION_EXEC_IS_USEHVD = "ge.exec.isUseHvd";
const char* const OPTION_EXEC_JOB_ID = "ge.exec.jobId";
const char* const OPTION_EXEC_LOGICAL_DEVICE_CLUSTER_DEPLOY_MODE =
    "ge.exec.logicalDeviceClusterDeployMode";
const char* const OPTION_EXEC_LOGICAL_DEVICE_ID = "ge.exec.logicalDeviceId";
const char* const OPTION_EXEC_MODEL_DEPLOY_DEVICELIST = "ge.exec.modelDeployDevicelist";
const char* const OPTION_EXEC_MODEL_DEPLOY_MODE = "ge.exec.modelDeployMode";
const char* const OPTION_EXEC_OPTIMIZE_SHAPE = "ge.exec.dataInputsOptimizeShape";
const char* const OPTION_EXEC_OP_DEBUG_CONFIG = "ge.exec.opDebugConfig";
const char* const OPTION_EXEC_OVERFLOW = "ge.exec.overflow";
const char* const OPTION_EXEC_PLACEMENT = "ge.exec.placement";
const char* const OPTION_EXEC_POD_NAME = "ge.exec.podName";
const char* const OPTION_EXEC_PROFILING_BPPONIT_OPTIONS = "ge.exec.profilingBpPointOptions";
const char* const OPTION_EXEC_PROFILING_FPPONIT_OPTIONS = "ge.exec.profilingFpPointOptions";
const char* const OPTION_EXEC_PROFILING_MODE = "ge.exec.profilingMode";
const char* const OPTION_EXEC_PROFILING_OPTIONS = "ge.exec.profilingOptions";
const char* const OPTION_EXEC_PS_ID = "ge.exec.psId";
const char* const OPTION_EXEC_RANK_ID = "ge.exec.rankId";
const char* const OPTION_EXEC_RANK_MAP = "ge.exec.rankMap";
const char* const OPTION_EXEC_RANK_TABLE_ADDR = "ge.exec.rankTableAddr";
const char* const OPTION_EXEC_RANK_TABLE_FILE = "ge.exec.rankTableFile";
const char* const OPTION_EXEC_RANK_TABLE_LEN = "ge.exec.rankTableLen";
const char* const OPTION_EXEC_REUSE_ZERO_COPY_MEMORY = "ge.exec.reuseZeroCopyMemory";
const char* const OPTION_EXEC_ROLE_TABLE_ADDR = "ge.exec.roleTableAddr";
const char* const OPTION_EXEC_ROLE_TABLE_LEN = "ge.exec.roleTableLen";
const char* const OPTION_EXEC_SESSION_ID = "ge.exec.sessionId";
const char* const OPTION_EXEC_STREAM_SYNC_TIMEOUT = "stream_sync_timeout";
const char* const OPTION_EXEC_VARIABLE_ACC = "ge.exec.variable_acc";
const char* const OPTION_EXEC_WORKER_NUM = "ge.exec.workerNum";
const char* const OPTION_EXPORT_COMPILE_STAT = "ge.exportCompileStat";
const char* const OPTION_FEATURE_BASE_REFRESHABLE = "ge.featureBaseRefreshable";
const char* const OPTION_FLOW_GRAPH_MEMORY_MAX_SIZE = "ge.flowGraphMemMaxSize";
const char* const OPTION_GE_MAX_DUMP_FILE_NUM = "ge.maxDumpFileNum";
const char* const OPTION_GE_MAX_DUMP_FILE_SIZE = "ge.maxDumpFileSize";
const char* const OPTION_GE_MAX_DUMP_OP_NUM = "ge.maxDumpOpNum";
const char* const OPTION_GRAPH_COMPILER_CACHE_DIR = "ge.graph_compiler_cache_dir";
const char* const OPTION_GRAPH_IO_MEM_ALLOC_MODE = "ge.exec.graphIOMemAllocMode";
const char* const OPTION_GRAPH_KEY = "ge.graph_key";
const char* const OPTION_GRAPH_RUN_MODE = "ge.graphRunMode";
const char* const OPTION_HCCL_ALGORITHM = "HCCL_algorithm";
const char* const OPTION_HCCL_COMPILER_OFFLINE = "ge.offline_hccl_compile";
const char* const OPTION_HOST_ENV_CPU = "ge.host_env_cpu";
const char* const OPTION_HOST_ENV_OS = "ge.host_env_os";
const char* const OPTION_HOST_SCHEDULING_MAX_THRESHOLD = "ge.exec.hostSchedulingMaxThreshold";
const char* const OPTION_INPUT_REUSE_MEM_INDEXES = "ge.exec.inputReuseMemIndexes";
const char* const OPTION_IS_VAR_INIT_GRAPH = "ge.exec.isVarInitGraph";
const char* const OPTION_JOB_TYPE = "ge.jobType";
const char* const OPTION_MAX_KEY_NUM = "ge.max_num";
const char* const OPTION_MOMORY_POOL_THRESHOLD = "ge.experiment.memory_pool_threshold";
const char* const OPTION_NAME_MAP = "ge.optionNameMap";
const char* const OPTION_OP_DEPENDENCY_IN_OM = "ge.op_dependency_in_om";
const char* const OPTION_OUTPUT_REUSE_INPUT_MEM_INDEXES = "ge.exec.outputReuseInputMemIndexes";
const char* const OPTION_OUTPUT_REUSE_MEM_INDEXES = "ge.exec.outputReuseMemIndexes";
const char* const OPTION_SCREEN_PRINT_MODE = "ge.screen_print_mode";
const char* const OPTION_SESSION_DEVICE_ID = "ge.session_device_id";
const char* const OPTION_STATIC_MODEL_OPS_LOWER_LIMIT = "ge.exec.static_model_ops_lower_limit";
const char* const OPTION_TUNINGPATH = "ge.tuningPath";
const char* const OPTION_USE_COUNTER_FILTER = "ge.use_counter_filter";
const std::string OPTYPELIST_FOR_IMPLMODE = "ge.optypelistForImplmode";
const std::string OP_BANK_PATH_FLAG = "ge.op_bank_path";
const std::string OP_BANK_UPDATE_FLAG = "ge.op_bank_update";
const std::string OP_COMPILER_CACHE_DIR = "ge.op_compiler_cache_dir";
const std::string OP_COMPILER_CACHE_MODE = "ge.op_compiler_cache_mode";
const std::string OP_DEBUG_CONFIG = "op_debug_config";
const std::string OP_DEBUG_LEVEL = "ge.opDebugLevel";
const std::string OP_DEBUG_OPTION = "op_debug_option";
const std::string OP_EXECUTE_TIMEOUT = "ge.exec.opExecuteTimeout";
const std::string OP_PRECISION_MODE = "ge.exec.op_precision_mode";
const std::string OP_SELECT_IMPL_MODE = "ge.opSelectImplmode";
const std::string OP_WAIT_TIMEOUT = "ge.exec.opWaitTimeout";
const std::string ORIGINAL_MODEL_FILE = "ge.originalModelFile";
const std::string OUTPUT_DATATYPE = "ge.outputDatatype";
const std::string OUTPUT_MAX_SIZE = "ge.outputMaxSize";
const std::string OUTPUT_NODE_NAME = "ge.outputNodeName";
const std::string PERFORMANCE_MODE = "ge.performance_mode";
const std::string PERF_LEVEL = "ge.perfLevel";
const std::string PRECISION_MODE = "ge.exec.precision_mode";
const std::string PRECISION_MODE_V2 = "ge.exec.precision_mode_v2";
const std::string PRIVATE_KEY_FILE = "ge.privateKeyFile";
const std::string QUANT_BIAS_OPTIMIZE = "ge.experiment.quant_bias_optimize";
const std::string QUANT_DUMPABLE = "ge.quant_dumpable";
const std::string RUN_FLAG = "ge.runFlag";
const std::string SAVE_ORIGINAL_MODEL = "ge.saveOriginalModel";
const std::string SHAPE_GENERALIZED_BUILD_MODE = "ge.shape_generalized_build_mode";
const std::string SINGLE_OP_FLAG = "ge.exec.single_op";
const std::string SOC_VERSION = "ge.socVersion";
const std::string STATIC_MEMORY_POLICY = "ge.exec.staticMemoryPolicy";
const std::string STATUS_CHECK = "ge.status_check";
const std::string STREAM_MAX_PARALLEL_NUM = "ge.streamMaxParallelNum";
const std::string STREAM_NUM = "ge.streamNum";
const std::string TBE_PLUGIN_PATH_FLAG = "ge.TBE_plugin_path";
const std::string TILING_SCHEDULE_OPTIMIZE = "ge.tiling_schedule_optimize";
const std::string TRAIN_FLAG = "ge.trainFlag";
const std::string TUNE_DEVICE_IDS = "ge.exec.tuneDeviceIds";
const std::string VARIABLE_MEMORY_MAX_SIZE = "ge.variableMemoryMaxSize";
const std::string VIRTUAL_TYPE = "ge.virtual_type";
const char* const kDynamicBatchSize = "ge.dynamicBatchSize";
const char* const kDynamicDims = "ge.dynamicDims";
const char* const kDynamicImageSize = "ge.dynamicImageSize";

namespace configure_option {
const char* const AC_PARALLEL_ENABLE = "ac_parallel_enable";
const char* const AICORE_NUM = "ge.aicoreNum";
const char* const ALLOW_HF32 = "ge.exec.allow_hf32";
const char* const ATOMIC_CLEAN_POLICY = "ge.exec.atomicCleanPolicy";
const char* const AUTO_TUNE_MODE = "ge.autoTuneMode";
const char* const BUFFER_OPTIMIZE = "ge.bufferOptimize";
const char* const CALIBRATION_CONF_FILE = "ge.calibrationConfFile";
const char* const CERT_FILE = "ge.certFile";
const char* const COMPRESSION_OPTIMIZE_CONF = "ge.compressionOptimizeConf";
const char* const COMPRESS_FLAG = "ge.compressFlag";
const char* const CORE_TYPE = "ge.engineType";
const char* const CUSTOMIZE_DTYPES = "ge.customizeDtypes";
const char* const DDK_VERSION_FLAG = "ge.DDK_version";
const char* const DETERMINISTIC = "ge.deterministic";
const char* const DETERMINISTIC_LEVEL = "ge.deterministicLevel";
const char* const EK_FILE = "ge.ekFile";
const char* const ENABLE_COMPRESS_WEIGHT = "ge.enableCompressWeight";
const char* const ENABLE_SMALL_CHANNEL = "ge.enableSmallChannel";
const char* const ENCRYPT_MODE = "ge.encryptMode";
const char* const EXTERNAL_WEIGHT = "ge.externalWeight";
const char* const FRAMEWORK_TYPE = "ge.frameworkType";
const char* const FUSION_SWITCH_FILE = "ge.fusionSwitchFile";
const char* const GE_FE_FLAG = "ge.feFlag";
const char* const GRAPH_MAX_PARALLEL_MODEL_NUM = "ge.graphMaxParallelModelNum";
const char* const HCOM_PARALLEL = "ge.hcomParallel";
const char* const HEAD_STREAM = "ge.headStream";
const char* const HW_KEY_FILE = "ge.hwKeyFile";
const char* const INPUT_FP16_NODES = "ge.INPUT_NODES_SET_FP16";
const char* const INSERT_OP_FILE = "ge.insertOpFile";
const char* const L1_FUSION = "ge.l1Fusion";
const char* const LOCAL_FMKOP_FLAG = "ge.enabledLocalFmkop";
const char* const MODIFY_MIXLIST = "ge.exec.modify_mixlist";
const char* const OPTYPELIST_FOR_IMPLMODE = "ge.optypelistForImplmode";
const char* const OP_DEBUG_CONFIG = "op_debug_config";
const char* const OP_DEBUG_LEVEL = "ge.opDebugLevel";
const char* const OP_DEBUG_OPTION = "op_debug_option";
const char* const OP_PRECISION_MODE = "ge.exec.op_precision_mode";
const char* const OP_SELECT_IMPL_MODE = "ge.opSelectImplmode";
const char* const ORIGINAL_MODEL_FILE = "ge.originalModelFile";
const char* const OUTPUT_DATATYPE = "ge.outputDatatype";
const char* const OUTPUT_NODE_NAME = "ge.outputNodeName";
const char* const PERFORMANCE_MODE = "ge.performance_mode";
const char* const PERF_LEVEL = "ge.perfLevel";
const char* const PRECISION_MODE = "ge.exec.precision_mode";
const char* const PRECISION_MODE_V2 = "ge.exec.precision_mode_v2";
const char* const PRIVATE_KEY_FILE = "ge.privateKeyFile";
const char* const QUANT_BIAS_OPTIMIZE = "ge.experiment.quant_bias_optimize";
const char* const QUANT_DUMPABLE = "ge.quant_dumpable";
const char* const RUN_FLAG = "ge.runFlag";
const char* const SAVE_ORIGINAL_MODEL = "ge.saveOriginalModel";
const char* const SHAPE_GENERALIZED_BUILD_MODE = "ge.shape_generalized_build_mode";
const char* const SINGLE_OP_FLAG = "ge.exec.single_op";
const char* const SOC_VERSION = "ge.socVersion";
const char* const STATIC_MEMORY_POLICY = "ge.exec.staticMemoryPolicy";
const char* const STREAM_MAX_PARALLEL_NUM = "ge.streamMaxParallelNum";
const char* const STREAM_NUM = "ge.streamNum";
const char* const TBE_PLUGIN_PATH_FLAG = "ge.TBE_plugin_path";
const char* const TILING_SCHEDULE_OPTIMIZE = "ge.tiling_schedule_optimize";
const char* const TRAIN_FLAG = "ge.trainFlag";
const char* const VIRTUAL_TYPE = "ge.virtual_type";
}  // namespace configure_option

namespace ir_option {
const char* const AC_PARALLEL_ENABLE = "ac_parallel_enable";
const char* const AICORE_NUM = "ge.aicoreNum";
const char* const ALLOW_HF32 = "ge.exec.allow_hf32";
const char* const ATOMIC_CLEAN_POLICY = "ge.exec.atomicCleanPolicy";
const char* const AUTO_TUNE_MODE = "ge.autoTuneMode";
const char* const BUFFER_OPTIMIZE = "ge.bufferOptimize";
const char* const BUILD_INNER_MODEL = "ge.build_inner_model";
const char* const CLUSTER_CONFIG = "ge.cluster_config";
const char* const COMPRESSION_OPTIMIZE_CONF = "ge.compressionOptimizeConf";
const char* const COMPRESS_WEIGHT_CONF = "compress_weight_conf";
const char* const CORE_TYPE = "ge.engineType";
const char* const CUSTOMIZE_DTYPES = "ge.customizeDtypes";
const char* const DEBUG_DIR = "ge.debugDir";
const char* const DETERMINISTIC = "ge.deterministic";
const char* const DETERMINISTIC_LEVEL = "ge.deterministicLevel";
const char* const DISTRIBUTED_CLUSTER_BUILD = "ge.distributed_cluster_build";
const char* const DYNAMIC_BATCH_SIZE = "ge.dynamicBatchSize";
const char* const DYNAMIC_DIMS = "ge.dynamicDims";
const char* const DYNAMIC_IMAGE_SIZE = "ge.dynamicImageSize";
const char* const ENABLE_COMPRESS_WEIGHT = "ge.enableCompressWeight";
const char* const ENABLE_GRAPH_PARALLEL = "ge.enableGraphParallel";
const char* const ENABLE_SCOPE_FUSION_PASSES = "enable_scope_fusion_passes";
const char* const ENABLE_SINGLE_STREAM = "ge.enableSingleStream";
const char* const ENABLE_SMALL_CHANNEL = "ge.enableSmallChannel";
const char* const EXCLUDE_ENGINES = "ge.exec.exclude_engines";
const char* const EXEC_DISABLE_REUSED_MEMORY = "ge.exec.disableReuseMemory";
const char* const EXTERNAL_WEIGHT = "ge.externalWeight";
const char* const FUSION_SWITCH_FILE = "ge.fusionSwitchFile";
const char* const GRAPH_MAX_PARALLEL_MODEL_NUM = "ge.graphMaxParallelModelNum";
const char* const GRAPH_PARALLEL_OPTION_PATH = "ge.graphParallelOptionPath";
const char* const INPUT_DATA_NAMES = "input_data_names";
const char* const INPUT_FORMAT = "input_format";
const char* const INPUT_FP16_NODES = "ge.INPUT_NODES_SET_FP16";
const char* const INPUT_HINT_SHAPE = "ge.inputHintShape";
const char* const INPUT_SHAPE = "input_shape";
const char* const INPUT_SHAPE_RANGE = "input_shape_range";
const char* const INSERT_OP_FILE = "ge.insertOpFile";
const char* const IS_DYNAMIC_INPUT = "is_dynamic_input";
const char* const IS_INPUT_ADJUST_HW_LAYOUT = "is_input_adjust_hw_layout";
const char* const IS_OUTPUT_ADJUST_HW_LAYOUT = "is_output_adjust_hw_layout";
const char* const LOG_LEVEL = "log";
const char* const MDL_BANK_PATH = "ge.mdl_bank_path";
const char* const MODEL_RELATION_CONFIG = "ge.offline_model_relation";
const char* const MODIFY_MIXLIST = "ge.exec.modify_mixlist";
const char* const OO_CONSTANT_FOLDING = "ge.oo.constantFolding";
const char* const OO_DEAD_CODE_ELIMINATION = "ge.oo.deadCodeElimination";
const char* const OO_LEVEL = "ge.oo.level";
const char* const OPTIMIZATION_SWITCH = "ge.optimizationSwitch";
const char* const OPTION_EXPORT_COMPILE_STAT = "ge.exportCompileStat";
const char* const OPTION_OUTPUT_REUSE_INPUT_MEM_INDEXES = "ge.exec.outputReuseInputMemIndexes";
const char* const OPTYPELIST_FOR_IMPLMODE = "ge.optypelistForImplmode";
const char* const OP_BANK_PATH = "ge.op_bank_path";
const char* const OP_BANK_UPDATE = "ge.op_bank_update";
const char* const OP_COMPILER_CACHE_DIR = "ge.op_compiler_cache_dir";
const char* const OP_COMPILER_CACHE_MODE = "ge.op_compiler_cache_mode";
const char* const OP_DEBUG_CONFIG = "op_debug_config";
const char* const OP_DEBUG_LEVEL = "ge.opDebugLevel";
const char* const OP_DEBUG_OPTION = "op_debug_option";
const char* const OP_DEPENDENCY_IN_OM = "ge.op_dependency_in_om";
const char* const OP_NAME_MAP = "op_name_map";
const char* const OP_PRECISION_MODE = "ge.exec.op_precision_mode";
const char* const OP_SELECT_IMPL_MODE = "ge.opSelectImplmode";
const char* const OUTPUT = "output";
const char* const OUTPUT_TYPE = "ge.outputDatatype";
const char* const OUT_NODES = "ge.outputNodeName";
const char* const PERFORMANCE_MODE = "ge.performance_mode";
const char* const PRECISION_MODE = "ge.exec.precision_mode";
const char* const PRECISION_MODE_V2 = "ge.exec.precision_mode_v2";
const char* const QUANT_BIAS_OPTIMIZE = "ge.experiment.quant_bias_optimize";
const char* const QUANT_DUMPABLE = "ge.quant_dumpable";
const char* const SHAPE_GENERALIZED_BUILD_MODE = "ge.shape_generalized_build_mode";
const char* const SOC_VERSION = "ge.socVersion";
const char* const SPARSITY = "ge.enableSparseMatrixWeight";
const char* const TILING_SCHEDULE_OPTIMIZE = "ge.tiling_schedule_optimize";
const char* const TUNE_DEVICE_IDS = "ge.exec.tuneDeviceIds";
const char* const VIRTUAL_TYPE = "ge.virtual_type";
}  // namespace ir_option

namespace public_attr {
const char* const ENABLE_INNER_PARALLEL = "_enable_inner_parallel";
const char* const GE_AI_CORE_NUM = "ge.aicoreNum";
const char* const OP_AI_CORE_NUM = "_op_aicore_num";
const char* const OP_EXEC_NEVER_TIMEOUT = "_op_exec_never_timeout";
const char* const OP_VECTOR_CORE_NUM = "_op_vectorcore_num";
const char* const USER_STREAM_LABEL = "_user_stream_label";
const char* const USER_STREAM_PRIORITY = "_user_stream_priority";
}  // namespace public_attr

enum GraphRunMode : int32_t { PREDICTION = 0, TRAIN = 1 };

enum class MemoryType : int64_t { MEMORY_TYPE_DEFAULT = 0, MEMORY_TYPE_P2P = 1 };

struct InputTensorInfo {
  uint32_t data_type;
  std::vector<int64_t> dims;
  void* data;
  int64_t length;
};

struct OutputTensorInfo {
  OutputTensorInfo() : data_type(0), dims(), data(nullptr), length(0) {}
  OutputTensorInfo(OutputTensorInfo&& out) = default;
  OutputTensorInfo& operator=(OutputTensorInfo&& out) {
    data_type = out.data_type;
    dims = std::move(out.dims);
    data = std::move(out.data);
    length = out.length;
    return *this;
  }
  OutputTensorInfo(const OutputTensorInfo&) = delete;
  OutputTensorInfo& operator=(const OutputTensorInfo&) = delete;

  uint32_t data_type;
  std::vector<int64_t> dims;
  std::unique_ptr<uint8_t[]> data;
  int64_t length;
};

struct ModelDistibuteDesc {
  uint32_t logic_device_number;
};

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_API_TYPES_H_
