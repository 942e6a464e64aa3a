// Constants on disk: bytes by key, what is not trusted, what is not kept, and files that go while they are mapped.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "backend/constant_store.h"
#include "backend_cache/cache_fixture.h"
#include "base/allocate.h"

namespace belay {
namespace {

constexpr int64_t kBytes = 100000;  // no whole number of pages

ContentHash KeyOf(int number) { return HashText("constant " + std::to_string(number)); }

std::string Bytes(int number, int64_t count = kBytes) {
  std::string bytes(static_cast<size_t>(count), '\0');
  const auto first = static_cast<size_t>(number);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 251 + first);
  return bytes;
}

class ConstantsTest : public CacheTest {
 protected:
  std::unique_ptr<ConstantStore> OpenStore(int64_t most_bytes = kMostConstantBytes) const {
    return OpenConstantStore(options_, kBytes, most_bytes);
  }
  static std::shared_ptr<const void> Keep(ConstantStore* store, int number) {
    return store->Keep(KeyOf(number), Bytes(number).data(), kBytes);
  }
  static bool Equal(const std::shared_ptr<const void>& constant, int number) {
    return constant && std::string(static_cast<const char*>(constant.get()), kBytes) == Bytes(number);
  }
  // The files of constants alone.
  std::vector<std::string> Constants() const {
    std::vector<std::string> files = Files();
    std::erase_if(files, [](const std::string& file) { return !file.ends_with(".constant"); });
    return files;
  }
  static void SetAge(const std::string& path, int64_t seconds) {
    const timespec then = {time(nullptr) - seconds, 0};
    const timespec both[2] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), both, 0), 0);
  }
};

TEST_F(ConstantsTest, WhatIsKeptIsFound) {
  auto store = OpenStore();
  ASSERT_TRUE(store);
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes));
  const std::shared_ptr<const void> kept = Keep(store.get(), 1);
  EXPECT_TRUE(Equal(kept, 1));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(kept.get()) % 64, 0u);
  for (size_t i = 0; i < kReadBehind; ++i) EXPECT_EQ(static_cast<const char*>(kept.get())[kBytes + i], 0);
  EXPECT_TRUE(Equal(OpenStore()->Find(KeyOf(1), kBytes), 1));
  EXPECT_FALSE(store->Find(KeyOf(2), kBytes));
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes - 1));
  EXPECT_EQ(InspectCodeCache(options_).constants, 1);
  EXPECT_EQ(InspectCodeCache(options_).files, 0);
  struct stat status;
  ASSERT_EQ(stat(Constants().at(0).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

// Also those that were found whole before: then only the system's word for a change of the file is looked at.
TEST_F(ConstantsTest, DamageIsSeenWheneverItHappens) {
  Keep(OpenStore().get(), 2);
  const std::string other = Read(Constants().at(0));
  std::filesystem::remove(Constants().at(0));
  Keep(OpenStore().get(), 1);
  const std::string file = Constants().at(0), whole = Read(file);
  std::vector<std::string> damaged = {"", "x", whole + "x", whole.substr(0, whole.size() - 1), whole.substr(0, 4096),
                                      other, std::string(whole.size(), '\0')};
  for (size_t at : {0, 8, 16, 24, 60, 87, 4096, 4097, 50000, 104095}) {
    damaged.push_back(whole);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 1);
  }
  sleep(3);  // only what has lain for a while is taken on trust
  for (bool seen : {false, true}) {
    for (size_t i = 0; i < damaged.size(); ++i) {
      if (seen) {
        Write(file, whole);
        EXPECT_TRUE(Equal(OpenStore()->Find(KeyOf(1), kBytes), 1));
      }
      Write(file, damaged[i]);
      EXPECT_FALSE(OpenStore()->Find(KeyOf(1), kBytes)) << i << seen;
    }
    std::filesystem::remove(file);
    Keep(OpenStore().get(), 1);
    EXPECT_TRUE(Equal(OpenStore()->Find(KeyOf(1), kBytes), 1));
    sleep(3);
    EXPECT_TRUE(Equal(OpenStore()->Find(KeyOf(1), kBytes), 1));  // here it is noted
    EXPECT_EQ(Read(options_.dir + "/constants.seen").size(), (seen ? 2 : 1) * sizeof(ContentHash));
    EXPECT_TRUE(Equal(OpenStore()->Find(KeyOf(1), kBytes), 1));
  }
  for (const std::string& notes : {std::string(1000, 'x'), std::string(), std::string(31, 'y')}) {
    Write(options_.dir + "/constants.seen", notes);
    EXPECT_TRUE(Equal(OpenStore()->Find(KeyOf(1), kBytes), 1));
  }
}

TEST_F(ConstantsTest, FilesThatOthersMayHaveWrittenAreNotUsed) {
  auto store = OpenStore();
  Keep(store.get(), 1);
  const std::string file = Constants().at(0), elsewhere = root_ + "/elsewhere";
  for (mode_t mode : {0660, 0602, 0666}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    EXPECT_FALSE(store->Find(KeyOf(1), kBytes)) << mode;
  }
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  std::filesystem::rename(file, elsewhere);
  ASSERT_EQ(symlink(elsewhere.c_str(), file.c_str()), 0);
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes));
  EXPECT_TRUE(Equal(Keep(store.get(), 1), 1));
  EXPECT_TRUE(Equal(store->Find(KeyOf(1), kBytes), 1));
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes));
  if (geteuid() != 0) return;  // only root can give files away
  EXPECT_TRUE(Keep(store.get(), 1));
  AsPlainUser::GiveTo(file);
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes));
}

TEST_F(ConstantsTest, FoldersThatCannotBeWrittenAreRead) {
  options_.dir = root_;
  Keep(OpenStore().get(), 1);
  for (const std::string& path : {Constants().at(0), root_}) AsPlainUser::GiveTo(path);
  ASSERT_EQ(chmod(root_.c_str(), 0500), 0);
  {
    AsPlainUser user;
    auto store = OpenStore();
    ASSERT_TRUE(store);
    EXPECT_TRUE(Equal(store->Find(KeyOf(1), kBytes), 1));
    EXPECT_FALSE(Keep(store.get(), 2));
  }
  ASSERT_EQ(chmod(root_.c_str(), 0700), 0);
  EXPECT_EQ(Constants().size(), 1u);
}

TEST_F(ConstantsTest, AFullDiskLeavesNothing) {
  auto store = OpenStore();
  rlimit usual;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
  const rlimit little = {50000, usual.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  EXPECT_FALSE(Keep(store.get(), 1));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(Files().empty());
}

TEST_F(ConstantsTest, WhatIsMappedOutlivesFileFolderAndStore) {
  auto store = OpenStore();
  const std::shared_ptr<const void> kept = Keep(store.get(), 1), found = store->Find(KeyOf(1), kBytes);
  std::filesystem::remove_all(options_.dir);
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes));
  EXPECT_FALSE(Keep(store.get(), 2));
  store.reset();
  EXPECT_TRUE(Equal(kept, 1));
  EXPECT_TRUE(Equal(found, 1));
}

TEST_F(ConstantsTest, TheOldestGoWhenThereAreMany) {
  auto store = OpenStore(10 * kBytes);
  std::vector<std::shared_ptr<const void>> mapped;
  for (int i = 0; i < 8; ++i) {
    mapped.push_back(Keep(store.get(), i));
    for (const std::string& file : Constants()) {
      if (Read(file).substr(4096, kBytes) == Bytes(i)) SetAge(file, 1000000 - i * 1000);
    }
  }
  EXPECT_TRUE(store->Find(KeyOf(0), kBytes));  // used: now it is the youngest
  for (int i = 8; i < 14; ++i) mapped.push_back(Keep(store.get(), i));
  EXPECT_LE(InspectCodeCache(options_).constant_bytes, 10 * kBytes);
  EXPECT_TRUE(store->Find(KeyOf(0), kBytes));
  EXPECT_TRUE(store->Find(KeyOf(13), kBytes));
  EXPECT_FALSE(store->Find(KeyOf(1), kBytes));
  for (size_t i = 0; i < mapped.size(); ++i) EXPECT_TRUE(Equal(mapped[i], static_cast<int>(i))) << i;
}

TEST_F(ConstantsTest, ModesAndSizesThatAreNotKept) {
  Keep(OpenStore().get(), 1);
  options_.mode = CodeCacheMode::kForce;
  EXPECT_FALSE(OpenStore()->Find(KeyOf(1), kBytes));
  options_.mode = CodeCacheMode::kDisable;
  EXPECT_FALSE(OpenStore());
  options_.mode = CodeCacheMode::kEnable;
  EXPECT_TRUE(OpenStore()->Find(KeyOf(1), kBytes));
  EXPECT_FALSE(OpenStore(kBytes));  // half of it and more
  setenv("BELAY_CACHE", "off", 1);
  EXPECT_FALSE(OpenStore());
}

TEST_F(ConstantsTest, ManyProcessesAndThreadsAtOnce) {
  const auto use = [&] {
    for (int i = 0; i < 40; ++i) {
      auto store = OpenStore(6 * kBytes);
      const int number = i % 12;
      std::shared_ptr<const void> found = store->Find(KeyOf(number), kBytes);
      if (found && !Equal(found, number)) return false;
      if (!found && !Equal(Keep(store.get(), number), number)) return false;
    }
    return true;
  };
  std::vector<pid_t> children;
  for (int p = 0; p < 3; ++p) {
    children.push_back(fork());
    if (children.back() == 0) _exit(use() ? 0 : 1);
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) threads.emplace_back([&] { wrong += !use(); });
  for (std::thread& t : threads) t.join();
  for (pid_t child : children) {
    int status = 1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace belay
