// Hashes of files on disk: which files are the same, which changes are noticed, and what is not kept.
#include <fcntl.h>
#include <sys/mman.h>

#include <optional>

#include "backend/file_hashes.h"
#include "backend_cache/cache_fixture.h"

namespace belay {
namespace {

constexpr int64_t kSettled = 1;  // seconds

class HashesTest : public CacheTest {
 protected:
  void SetUp() override {
    CacheTest::SetUp();
    file_ = root_ + "/model";
    Write(file_, std::string(10000, 'a'));
  }
  ~HashesTest() override {
    if (fd_ >= 0) close(fd_);
  }

  std::shared_ptr<KnownFile> Look(int64_t settled = kSettled, int64_t most_bytes = kMostHashBytes) {
    if (fd_ >= 0) close(fd_);
    fd_ = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    return FileHashesIn(options_, settled, most_bytes)->Look(fd_);
  }
  static FilePart Part(uint64_t offset) { return {offset, 100, HashText("part " + std::to_string(offset))}; }
  static bool Knows(const std::shared_ptr<KnownFile>& known, uint64_t offset) {
    FilePart part = {offset, 100, {}};
    return known && known->Find(&part) && part.hash == Part(offset).hash;
  }
  void Keep(const std::vector<uint64_t>& offsets, int64_t settled = kSettled, int64_t most_bytes = kMostHashBytes) {
    const std::shared_ptr<KnownFile> known = Look(settled, most_bytes);
    if (!known) return;
    known->BeforeHashing();
    std::vector<FilePart> parts;
    for (uint64_t offset : offsets) parts.push_back(Part(offset));
    known->Keep(parts);
  }
  std::string OnlyFile() const {
    const std::vector<std::string> files = Files();
    return files.size() == 1 ? files[0] : "";
  }
  // Where the file system does not tell of all changes, nothing is kept and there is nothing to test.
  bool Settle() {
    const time_t start = time(nullptr);
    while (!Look() && time(nullptr) - start < kSettled + 2) usleep(20000);
    usleep(20000);  // the clock of files ticks
    return Look() != nullptr;
  }

  std::string file_;
  int fd_ = -1;
};

TEST_F(HashesTest, WhatIsKeptIsFound) {
  if (!Settle()) GTEST_SKIP();
  EXPECT_FALSE(Knows(Look(), 0));
  Keep({0, 200});
  EXPECT_TRUE(Knows(Look(), 0));
  EXPECT_TRUE(Knows(Look(), 200));
  EXPECT_FALSE(Knows(Look(), 100));
  FilePart shorter = {0, 99, {}};
  EXPECT_FALSE(Look()->Find(&shorter));
  Keep({100});  // another model with the same data file
  for (uint64_t offset : {0, 100, 200}) EXPECT_TRUE(Knows(Look(), offset)) << offset;
  struct stat status;
  ASSERT_EQ(stat(OnlyFile().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_EQ(status.st_size, 4096);
  Look()->Forget();
  EXPECT_FALSE(Knows(Look(), 0));
  EXPECT_TRUE(Files().empty());
}

TEST_F(HashesTest, WhatHasJustBeenWrittenIsNotKept) {
  EXPECT_FALSE(Look());
  Keep({0});
  EXPECT_TRUE(Files().empty());
  if (!Settle()) GTEST_SKIP();
  EXPECT_FALSE(Look(kSettledSeconds));
  Keep({0});
  EXPECT_TRUE(Knows(Look(), 0));
  EXPECT_FALSE(Look(kSettledSeconds));
}

TEST_F(HashesTest, ChangesAreNoticedWhateverTheTimesSay) {
  if (!Settle()) GTEST_SKIP();
  Keep({0});
  struct stat before;
  ASSERT_EQ(stat(file_.c_str(), &before), 0);
  const int fd = open(file_.c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(fd, "b", 1, 5000), 1);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(futimens(fd, times), 0);
  close(fd);
  struct stat after;
  ASSERT_EQ(stat(file_.c_str(), &after), 0);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(after.st_size, before.st_size);
  EXPECT_FALSE(Look());
  EXPECT_TRUE(Settle());
  EXPECT_FALSE(Knows(Look(), 0));
}

TEST_F(HashesTest, AnotherFileOfThatNameIsAnother) {
  if (!Settle()) GTEST_SKIP();
  Keep({0});
  const std::string other = root_ + "/other";
  std::filesystem::copy_file(file_, other);
  std::filesystem::rename(other, file_);
  EXPECT_TRUE(Settle());
  EXPECT_FALSE(Knows(Look(), 0));
}

// Such a page may stay writable for as long as the system likes, and writes to it leave no trace.
TEST_F(HashesTest, WritesThroughAMappingAreNoticed) {
  const int fd = open(file_.c_str(), O_RDWR);
  auto* at = static_cast<volatile char*>(mmap(nullptr, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ASSERT_NE(static_cast<volatile void*>(at), MAP_FAILED);
  at[5000] = 'b';
  if (!Settle()) GTEST_SKIP();
  Keep({0});
  EXPECT_TRUE(Knows(Look(), 0));
  at[5000] = 'c';
  EXPECT_FALSE(Knows(Look(), 0));
  EXPECT_TRUE(Settle());
  EXPECT_FALSE(Knows(Look(), 0));
  munmap(const_cast<char*>(at), 10000);
  close(fd);
}

TEST_F(HashesTest, AFileThatChangesMeanwhileIsNotKept) {
  if (!Settle()) GTEST_SKIP();
  const std::shared_ptr<KnownFile> early = Look();
  std::filesystem::permissions(file_, std::filesystem::perms::owner_all);
  early->BeforeHashing();
  early->Keep({Part(0)});
  EXPECT_TRUE(Settle());
  const std::shared_ptr<KnownFile> late = Look();
  late->BeforeHashing();
  std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
  late->Keep({Part(0)});
  EXPECT_TRUE(Files().empty());
}

TEST_F(HashesTest, DamagedHashesAreNotUsed) {
  if (!Settle()) GTEST_SKIP();
  Keep({0, 200});
  const std::string path = OnlyFile(), whole = Read(path);
  std::vector<std::string> damaged = {"", "x", whole.substr(0, 87), whole.substr(0, 100),
                                      std::string(whole.size(), '\0')};
  for (size_t at : {0, 8, 12, 16, 22, 24, 60, 88, 96, 104, 183}) {
    damaged.push_back(whole);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 1);
  }
  for (size_t i = 0; i < damaged.size(); ++i) {
    Write(path, damaged[i]);
    EXPECT_FALSE(Knows(Look(), 0)) << i;
    Keep({0});
    EXPECT_TRUE(Knows(Look(), 0)) << i;
  }
  // Those of another file.
  Write(path, whole);
  file_ = root_ + "/other";
  Write(file_, std::string(10000, 'b'));
  ASSERT_TRUE(Settle());
  Keep({0});
  for (const std::string& name : Files()) Write(name, whole);
  EXPECT_FALSE(Knows(Look(), 0));
}

TEST_F(HashesTest, FilesThatOthersMayHaveWrittenAreNotUsed) {
  if (!Settle()) GTEST_SKIP();
  Keep({0});
  const std::string path = OnlyFile(), elsewhere = root_ + "/elsewhere";
  for (mode_t mode : {0660, 0602}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_FALSE(Knows(Look(), 0)) << mode;
  }
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  std::filesystem::rename(path, elsewhere);
  ASSERT_EQ(symlink(elsewhere.c_str(), path.c_str()), 0);
  EXPECT_FALSE(Knows(Look(), 0));
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(Knows(Look(), 0));
}

TEST_F(HashesTest, WithoutACacheNothingIsReadOrWritten) {
  if (!Settle()) GTEST_SKIP();
  setenv("BELAY_CACHE", "off", 1);
  EXPECT_FALSE(Look());
  Keep({0});
  EXPECT_TRUE(Files().empty());
  unsetenv("BELAY_CACHE");
  Keep({0});
  EXPECT_TRUE(Knows(Look(), 0));
  setenv("BELAY_CACHE", "off", 1);
  EXPECT_FALSE(Look());
  unsetenv("BELAY_CACHE");
  options_.mode = CodeCacheMode::kDisable;
  EXPECT_FALSE(Look());
}

TEST_F(HashesTest, TheOldestGoWhenThereAreMany) {
  if (!Settle()) GTEST_SKIP();
  std::vector<std::string> models;
  for (int i = 0; i < 16; ++i) {
    models.push_back(root_ + "/model" + std::to_string(i));
    Write(models.back(), "model");
  }
  file_ = models.back();
  ASSERT_TRUE(Settle());
  for (size_t i = 0; i < models.size(); ++i) {
    file_ = models[i];
    Keep({0}, kSettled, 8 * 4096);
    for (const std::string& name : Files()) {
      struct stat status;
      ASSERT_EQ(stat(name.c_str(), &status), 0);
      if (status.st_mtime + 1000 < time(nullptr)) continue;
      const timespec then = {time(nullptr) - 10000 + static_cast<time_t>(i), 0};
      const timespec both[2] = {then, then};
      ASSERT_EQ(utimensat(AT_FDCWD, name.c_str(), both, 0), 0);
    }
  }
  EXPECT_LE(Files().size(), 8u);
  EXPECT_TRUE(Knows(Look(), 0));
}

}  // namespace
}  // namespace belay
