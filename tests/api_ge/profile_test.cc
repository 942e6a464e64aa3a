// Profiles by ge.exec.profilingMode and by aclgrphProf*: the traces they leave, and every wrong order of calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api_ge/ge_fixture.h"
#include "ge/ge_prof.h"

namespace belay_test {
namespace {

namespace fs = std::filesystem;

class ProfileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/belay_profile_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    (void)ge::GEFinalize();
    fs::remove_all(folder_);
  }
  static void Initialize(Options options = {}) {
    options["ge.exec.deviceId"] = "0";
    ASSERT_EQ(ge::GEInitialize(options), ge::SUCCESS) << TakeErrors();
    (void)TakeErrors();
  }
  static void RunTwice(const char* name) {
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(1, Twice({4}, name)), ge::SUCCESS);
    for (int i = 0; i < 2; ++i) {
      std::vector<ge::Tensor> out;
      ASSERT_EQ(session.RunGraph(1, {HostTensor({4}, {1, 2, 3, 4})}, out), ge::SUCCESS) << TakeErrors();
    }
  }
  // Names of the events of every trace in the folder, by trace.
  std::vector<std::vector<std::string>> Traces() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.path().filename() == "trace.json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<std::vector<std::string>> traces;
    for (const fs::path& file : files) {
      std::ifstream in(file);
      traces.emplace_back();
      const auto trace = nlohmann::json::parse(in);
      for (const auto& event : trace["traceEvents"]) {
        if (event["ph"] == "X") traces.back().push_back(event["name"]);
      }
    }
    return traces;
  }
  std::string Folder() const { return folder_.string(); }
  ge::Status Init() const { return ge::aclgrphProfInit(folder_.c_str(), static_cast<uint32_t>(Folder().size())); }

  fs::path folder_;
};

using Names = std::vector<std::string>;

TEST_F(ProfileTest, ByOptions) {
  const std::string options = R"({"output": ")" + Folder() + R"(", "task_trace": "on"})";
  Initialize({{"ge.exec.profilingMode", "1"}, {"ge.exec.profilingOptions", options.c_str()}});
  RunTwice("all");
  EXPECT_EQ(Init(), ge::GE_PROF_MODE_CONFLICT);
  EXPECT_NE(TakeErrors().find("ge.exec.profilingMode"), std::string::npos);
  EXPECT_TRUE(Traces().empty());
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(Traces(), std::vector<Names>({{"add", "all", "add", "all"}}));
  Initialize();
  RunTwice("none");
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(Traces().size(), 1u);
}

TEST_F(ProfileTest, BadOptionsLeaveTheEngineAside) {
  const auto refused = [&](const std::string& options, const char* part) {
    const Options all{{"ge.exec.profilingMode", "1"}, {"ge.exec.profilingOptions", options.c_str()}};
    EXPECT_NE(ge::GEInitialize(all), ge::SUCCESS);
    const std::string text = TakeErrors();
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  refused("output=x", "choose JSON");
  refused(R"({"output": 7})", "choose JSON");
  refused(R"({"output": ")" + Folder() + R"(/absent"})", "is no folder");
  Initialize({{"ge.exec.profilingMode", "0"}, {"ge.exec.profilingOptions", "not read"}});
}

TEST_F(ProfileTest, ByCalls) {
  Initialize();
  uint32_t device = 0;
  ge::aclgrphProfConfig* config =
      ge::aclgrphProfCreateConfig(&device, 1, ge::kAicorePipeUtilization, nullptr, ge::kProfTaskTime | ge::kProfAicpu);
  ASSERT_NE(config, nullptr) << TakeErrors();
  EXPECT_EQ(ge::aclgrphProfStart(config), ge::GE_PROF_NOT_INIT);
  EXPECT_EQ(ge::aclgrphProfStop(config), ge::GE_PROF_NOT_INIT);
  EXPECT_EQ(ge::aclgrphProfFinalize(), ge::GE_PROF_NOT_INIT);
  ASSERT_EQ(Init(), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(Init(), ge::GE_PROF_MULTI_INIT);
  EXPECT_NE(ge::aclgrphProfStop(config), ge::SUCCESS);
  RunTwice("before");
  ASSERT_EQ(ge::aclgrphProfStart(config), ge::SUCCESS) << TakeErrors();
  EXPECT_NE(ge::aclgrphProfStart(config), ge::SUCCESS);
  RunTwice("first");
  ASSERT_EQ(ge::aclgrphProfStop(config), ge::SUCCESS) << TakeErrors();
  RunTwice("between");
  ASSERT_EQ(ge::aclgrphProfStart(config), ge::SUCCESS) << TakeErrors();
  RunTwice("second");
  ASSERT_EQ(ge::aclgrphProfFinalize(), ge::SUCCESS) << TakeErrors();  // stops it
  EXPECT_EQ(Traces(), std::vector<Names>({{"add", "first", "add", "first"}, {"add", "second", "add", "second"}}));
  EXPECT_EQ(ge::aclgrphProfDestroyConfig(config), ge::SUCCESS);
  EXPECT_NE(ge::aclgrphProfDestroyConfig(config), ge::SUCCESS);
  ASSERT_EQ(Init(), ge::SUCCESS) << TakeErrors();
  EXPECT_NE(ge::aclgrphProfStart(config), ge::SUCCESS);
  EXPECT_EQ(ge::aclgrphProfFinalize(), ge::SUCCESS);
}

TEST_F(ProfileTest, BadArguments) {
  EXPECT_NE(Init(), ge::SUCCESS);
  EXPECT_NE(TakeErrors().find("not initialised"), std::string::npos);
  Initialize();
  EXPECT_NE(ge::aclgrphProfInit(nullptr, 3), ge::SUCCESS);
  EXPECT_NE(ge::aclgrphProfInit("/tmp", 3), ge::SUCCESS);
  EXPECT_NE(ge::aclgrphProfInit("/no/such/folder", 15), ge::SUCCESS);
  uint32_t devices[] = {0, 0, 1000};
  const auto make = [&](uint32_t* list, uint32_t count, int metrics, uint64_t types) {
    return ge::aclgrphProfCreateConfig(list, count, static_cast<ge::ProfilingAicoreMetrics>(metrics), nullptr, types);
  };
  EXPECT_EQ(make(nullptr, 1, 0, 2), nullptr);
  EXPECT_EQ(make(devices, 0, 0, 2), nullptr);
  EXPECT_EQ(make(devices, 2, 0, 2), nullptr);
  EXPECT_EQ(make(devices + 2, 1, 0, 2), nullptr);
  EXPECT_EQ(make(devices, 1, 8, 2), nullptr);
  EXPECT_EQ(make(devices, 1, 0, 0), nullptr);
  EXPECT_EQ(make(devices, 1, 0, uint64_t{1} << 40), nullptr);
  EXPECT_NE(TakeErrors().find("_config is 0x10000000000, but takes"), std::string::npos);
}

}  // namespace
}  // namespace belay_test
