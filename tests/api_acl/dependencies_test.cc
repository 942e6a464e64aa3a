// Calls of the small libraries below and beside libascendcl.so.
#include <cerrno>
#include <cstdarg>

#include "acl_test.h"
#include "hccl/hccl.h"

extern "C" {
int strcpy_s(char* dest, size_t dest_size, const char* src);
int snprintf_s(char* dest, size_t dest_size, size_t count, const char* format, ...);
int vsnprintf_s(char* dest, size_t dest_size, size_t count, const char* format, va_list args);
int32_t MsprofReportApi(uint32_t aging, const void* api);
int32_t MsprofRegisterCallback(uint32_t module, void* callback);
uint64_t MsprofSysCycleTime();
uint64_t MsprofGetHashId(const char* name, size_t length);
int32_t rtKernelLaunch(const void*, uint32_t, void*, uint32_t, void*, void*);
}

namespace {

TEST(CheckedStrings, Copy) {
  char text[4] = "xyz";
  EXPECT_EQ(strcpy_s(text, 4, "abc"), 0);
  EXPECT_STREQ(text, "abc");
  EXPECT_EQ(strcpy_s(text, 4, "abcd"), ERANGE + 128);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(strcpy_s(text, 4, nullptr), EINVAL + 128);
  EXPECT_EQ(strcpy_s(text, 0, "a"), ERANGE);
  EXPECT_EQ(strcpy_s(nullptr, 4, "a"), EINVAL);
}

int Format(char* dest, size_t size, size_t count, const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int length = vsnprintf_s(dest, size, count, format, args);
  va_end(args);
  return length;
}

TEST(CheckedStrings, Format) {
  char text[8];
  EXPECT_EQ(snprintf_s(text, 8, 7, "%d-%s", 12, "ab"), 5);
  EXPECT_STREQ(text, "12-ab");
  EXPECT_EQ(Format(text, 8, 7, "%s", "abcdefg"), 7);
  EXPECT_STREQ(text, "abcdefg");
  EXPECT_EQ(Format(text, 8, 3, "%s", "abcdefg"), -1);  // cut where the caller said
  EXPECT_STREQ(text, "abc");
  EXPECT_EQ(Format(text, 8, 8, "%s", "abcdefgh"), -1);  // no room
  EXPECT_STREQ(text, "");
  EXPECT_EQ(Format(text, 8, SIZE_MAX, "%s", "abc"), 3);
  EXPECT_EQ(Format(text, 0, 0, "%s", "abc"), -1);
  EXPECT_EQ(Format(nullptr, 8, 7, "%s", "abc"), -1);
  EXPECT_EQ(Format(text, 8, 7, nullptr), -1);
}

TEST(ProfilerInterface, ClockAndNamesWorkReportsAreRefused) {
  const uint64_t add = MsprofGetHashId("Add", 3), mul = MsprofGetHashId("Mul", 3);
  EXPECT_NE(add, 0u);
  EXPECT_NE(add, mul);
  EXPECT_EQ(MsprofGetHashId("Added", 3), add);
  EXPECT_EQ(MsprofGetHashId(nullptr, 0), 0u);
  const uint64_t before = MsprofSysCycleTime();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GT(MsprofSysCycleTime(), before);
  EXPECT_EQ(MsprofRegisterCallback(1, nullptr), 0);
  (void)RecentMessage();
  EXPECT_NE(MsprofReportApi(0, nullptr), 0);
  EXPECT_NE(RecentMessage().find("MsprofReportApi is not supported"), std::string::npos);
}

TEST(RuntimeInterface, DeviceKernelsAreRefused) {
  (void)RecentMessage();
  EXPECT_EQ(rtKernelLaunch(nullptr, 1, nullptr, 0, nullptr, nullptr), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_NE(RecentMessage().find("rtKernelLaunch is not supported"), std::string::npos);
}

TEST(HcclSettings, DeterministicIsKept) {
  HcclConfigValue value{1}, read{0};
  ASSERT_EQ(HcclSetConfig(HCCL_DETERMINISTIC, value), HCCL_SUCCESS);
  ASSERT_EQ(HcclGetConfig(HCCL_DETERMINISTIC, &read), HCCL_SUCCESS);
  EXPECT_EQ(read.value, 1);
  EXPECT_EQ(HcclSetConfig(static_cast<HcclConfig>(7), value), HCCL_E_PARA);
  EXPECT_EQ(HcclGetConfig(HCCL_DETERMINISTIC, nullptr), HCCL_E_PTR);
}

}  // namespace
