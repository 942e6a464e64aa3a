// A folder for one test, and what it holds.
#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "backend/cpu/build_cache.h"

namespace belay {

class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "belay_cache_test_XXXXXX";
    ASSERT_NE(mkdtemp(root_.data()), nullptr);
    options_.dir = root_ + "/a/kernels";
    unsetenv("BELAY_CACHE");
    before_ = CountCodeCache();
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<CodeStore> Open() const { return CodeStore::Open(options_); }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    if (!std::filesystem::exists(options_.dir)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(options_.dir)) files.push_back(entry.path());
    return files;
  }
  // Since the test began.
  CodeCacheCounts Counts() const {
    const CodeCacheCounts now = CountCodeCache();
    return {now.found - before_.found, now.missed - before_.missed, now.rejected - before_.rejected,
            now.kept - before_.kept};
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  std::string root_;
  CodeCacheOptions options_;
  CodeCacheCounts before_;
};

// Without the rights of root, which no mode of a file holds back.
class AsPlainUser {
 public:
  AsPlainUser() {
    if (was_ == 0) Check(seteuid(kNobody));
  }
  ~AsPlainUser() {
    if (was_ == 0) Check(seteuid(0));
  }
  // For files made by root.
  static void GiveTo(const std::string& path) {
    if (geteuid() == 0) Check(chown(path.c_str(), kNobody, kNobody));
  }

 private:
  static constexpr unsigned kNobody = 65534;
  static void Check(int result) { EXPECT_EQ(result, 0); }
  const uid_t was_ = geteuid();
};

}  // namespace belay
