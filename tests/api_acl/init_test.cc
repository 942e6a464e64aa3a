#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "acl_test.h"

namespace {

// A configuration file that is removed again.
struct ConfigFile {
  explicit ConfigFile(const std::string& text) : path("acl_test_" + std::to_string(getpid()) + ".json") {
    std::ofstream(path) << text;
  }
  ~ConfigFile() { remove(path.c_str()); }
  std::string path;
};

aclError InitWith(const std::string& text) {
  ConfigFile file(text);
  aclError result = aclInit(file.path.c_str());
  if (result == ACL_SUCCESS) {
    EXPECT_EQ(aclFinalize(), ACL_SUCCESS);
  }
  return result;
}

TEST(AclInit, CountsReferences) {
  uint64_t left = 99;
  EXPECT_EQ(aclFinalize(), ACL_ERROR_REPEAT_FINALIZE);
  EXPECT_EQ(aclFinalizeReference(&left), ACL_ERROR_REPEAT_FINALIZE);
  EXPECT_EQ(aclFinalizeReference(nullptr), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(aclInit(nullptr), ACL_SUCCESS);
  EXPECT_EQ(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
  EXPECT_EQ(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
  EXPECT_EQ(aclFinalizeReference(&left), ACL_SUCCESS);
  EXPECT_EQ(left, 2u);
  EXPECT_EQ(aclFinalize(), ACL_SUCCESS);
  EXPECT_EQ(aclFinalize(), ACL_ERROR_REPEAT_FINALIZE);
  ASSERT_EQ(aclInit(nullptr), ACL_SUCCESS);
  EXPECT_EQ(aclFinalizeReference(&left), ACL_SUCCESS);
  EXPECT_EQ(left, 0u);
}

TEST(AclInit, ReadsItsFile) {
  EXPECT_EQ(aclInit("no/such/file.json"), ACL_ERROR_INVALID_FILE);
  EXPECT_EQ(InitWith("{}"), ACL_SUCCESS);
  EXPECT_EQ(InitWith("{\"unknown\": [1, 2]}"), ACL_SUCCESS);
  EXPECT_EQ(InitWith(""), ACL_ERROR_PARSE_FILE);
  EXPECT_EQ(InitWith("{\"a\": "), ACL_ERROR_PARSE_FILE);
  EXPECT_EQ(InitWith("[]"), ACL_ERROR_PARSE_FILE);
  EXPECT_EQ(InitWith("{\"a\":" + std::string(11, '[') + std::string(11, ']') + "}"), ACL_ERROR_PARSE_FILE);
  EXPECT_EQ(InitWith("{\"a\": \"" + std::string(20, '[') + "\"}"), ACL_SUCCESS);
}

TEST(AclInit, ChecksSections) {
  EXPECT_EQ(InitWith(R"({"dump": {"dump_scene": "lite_exception"}})"), ACL_SUCCESS);
  EXPECT_EQ(InitWith(R"({"dump": {"dump_scene": "nonsense"}})"), ACL_ERROR_INVALID_DUMP_CONFIG);
  EXPECT_EQ(InitWith(R"({"dump": 5})"), ACL_ERROR_INVALID_DUMP_CONFIG);
  EXPECT_EQ(InitWith(R"({"dump": {"dump_path": "x", "dump_op_switch": "on"}})"), ACL_ERROR_API_NOT_SUPPORT);
  EXPECT_EQ(InitWith(R"({"profiler": {"switch": "off"}})"), ACL_SUCCESS);
  EXPECT_EQ(InitWith(R"({"profiler": {"switch": 3}})"), ACL_ERROR_INVALID_PROFILING_CONFIG);
  EXPECT_EQ(InitWith(R"({"profiler": {"switch": "on"}})"), ACL_ERROR_API_NOT_SUPPORT);
  EXPECT_EQ(InitWith(R"({"max_opqueue_num": "20000"})"), ACL_SUCCESS);
  EXPECT_EQ(InitWith(R"({"max_opqueue_num": "-1"})"), ACL_ERROR_INVALID_MAX_OPQUEUE_NUM_CONFIG);
  EXPECT_EQ(InitWith(R"({"defaultDevice": {"default_device": "77"}})"), ACL_ERROR_INVALID_PARAM);
}

TEST(AclInit, DefaultDeviceServesThreadsWithoutContext) {
  ConfigFile file(R"({"dump": {"dump_scene": "lite_exception"}, "defaultDevice": {"default_device": "0"}})");
  ASSERT_EQ(aclInit(file.path.c_str()), ACL_SUCCESS);
  std::thread([] {
    int32_t device = -1;
    EXPECT_EQ(aclrtGetDevice(&device), ACL_SUCCESS);
    EXPECT_EQ(device, 0);
    void* pointer = nullptr;
    EXPECT_EQ(aclrtMalloc(&pointer, 64, ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
    EXPECT_EQ(aclrtFree(pointer), ACL_SUCCESS);
  }).join();
  EXPECT_EQ(aclFinalize(), ACL_SUCCESS);
  EXPECT_EQ(aclrtResetDeviceForce(0), ACL_SUCCESS);
}

TEST(AclErrors, MessageSaysWhatWhyAndWhatToDo) {
  RecentMessage();
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr);
  EXPECT_EQ(aclrtSetCurrentContext(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclrtSetDevice(-4), ACL_ERROR_RT_INVALID_DEVICEID);
  std::string text = RecentMessage();
  EXPECT_EQ(text.rfind("107001: aclrtSetDevice failed.\n", 0), 0u) << text;  // newest first
  EXPECT_NE(text.find("100000: aclrtSetCurrentContext failed.\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Why:   context is null"), std::string::npos) << text;
  EXPECT_NE(text.find("Do:    "), std::string::npos) << text;
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr);
}

TEST(AclErrors, MessagesBelongToTheThread) {
  std::thread([] { EXPECT_EQ(aclrtFree(nullptr), ACL_ERROR_INVALID_PARAM); }).join();
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr);
}

TEST(AclErrors, UnbuiltCallsNameThemselves) {
  uint32_t id = 0;
  RecentMessage();
  EXPECT_EQ(aclmdlLoadFromFile("x.om", &id), ACL_ERROR_API_NOT_SUPPORT);
  EXPECT_NE(RecentMessage().find("aclmdlLoadFromFile is not supported"), std::string::npos);
  EXPECT_EQ(aclrtReleaseMemAddress(&id), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_EQ(aclmdlCreateDesc(), nullptr);
  EXPECT_NE(RecentMessage().find("aclmdlCreateDesc is not supported"), std::string::npos);
}

TEST(AclSystem, SaysWhatItIs) {
  EXPECT_STREQ(aclrtGetSocName(), "Ascend910B1");
  int32_t major = -1, minor = -1, patch = -1;
  EXPECT_EQ(aclrtGetVersion(&major, &minor, &patch), ACL_SUCCESS);
  EXPECT_GE(major, 1);
  EXPECT_EQ(aclrtGetVersion(nullptr, &minor, &patch), ACL_ERROR_INVALID_PARAM);
  aclCANNPackageVersion version;
  EXPECT_EQ(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version), ACL_SUCCESS);
  EXPECT_NE(version.version[0], 0);
  EXPECT_EQ(aclsysGetCANNVersion(static_cast<aclCANNPackageName>(50), &version), ACL_ERROR_INVALID_PARAM);
  int64_t cores = 0;
  EXPECT_EQ(aclGetDeviceCapability(0, ACL_DEVICE_INFO_AI_CORE_NUM, &cores), ACL_SUCCESS);
  EXPECT_GE(cores, 1);
  EXPECT_EQ(aclGetDeviceCapability(0, ACL_DEVICE_INFO_L2_SIZE, &cores), ACL_SUCCESS);
  EXPECT_EQ(aclGetDeviceCapability(0, ACL_DEVICE_INFO_UNDEFINED, &cores), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclGetDeviceCapability(900, ACL_DEVICE_INFO_L2_SIZE, &cores), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_EQ(aclrtGetDeviceInfo(0, ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE, &cores), ACL_SUCCESS);
  EXPECT_GT(cores, 0);
  EXPECT_EQ(aclrtGetDeviceInfo(0, ACL_DEV_ATTR_WARP_SIZE, &cores), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  const aclCannAttr* attributes = nullptr;
  size_t count = 0;
  EXPECT_EQ(aclGetCannAttributeList(&attributes, &count), ACL_SUCCESS);
  ASSERT_GT(count, 0u);
  int32_t value = 0;
  EXPECT_EQ(aclGetCannAttribute(attributes[0], &value), ACL_SUCCESS);
  EXPECT_EQ(aclGetCannAttribute(ACL_CANN_ATTR_UNDEFINED, &value), ACL_ERROR_INVALID_PARAM);
  aclAppLog(ACL_ERROR, "f", "file.cc", 1, "%d", 5);  // silent: no level is set in tests
}

}  // namespace
