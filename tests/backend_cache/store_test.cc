// The folder itself: keys and bytes, owners and modes, damage, room.
#include <fcntl.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "backend_cache/cache_fixture.h"

namespace belay {
namespace {

class StoreTest : public CacheTest {};

CodeKey ObjectKey(int number) {
  CodeKey key = {};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(number + 7 * i);
  return key;
}

std::string ObjectBytes(int number, size_t count = 1000) { return std::string(count, static_cast<char>('a' + number)); }

bool Holds(const CodeStore& store, int number, const std::string& want) {
  std::string got;
  return store.Find(ObjectKey(number), &got) && got == want;
}

void SetAge(const std::string& path, int64_t seconds) {
  const timespec then = {time(nullptr) - seconds, 0};
  const timespec both[2] = {then, then};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), both, 0), 0);
}

TEST_F(StoreTest, WhatIsKeptIsFound) {
  auto store = Open();
  ASSERT_TRUE(store);
  std::string object;
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  store->Keep(ObjectKey(1), ObjectBytes(1));
  store->Keep(ObjectKey(2), "");
  EXPECT_TRUE(Holds(*store, 1, ObjectBytes(1)));
  EXPECT_TRUE(Holds(*Open(), 2, ""));
  EXPECT_FALSE(store->Find(ObjectKey(3), &object));
  store->Keep(ObjectKey(1), ObjectBytes(5, 70000));
  EXPECT_TRUE(Holds(*store, 1, ObjectBytes(5, 70000)));
  EXPECT_EQ(Files().size(), 2u);
  EXPECT_EQ(Counts().found, 3);
  EXPECT_EQ(Counts().missed, 2);
  EXPECT_EQ(Counts().rejected, 0);
  EXPECT_EQ(Counts().kept, 3);
  const CodeCacheState state = InspectCodeCache(options_);
  EXPECT_EQ(state.dir, options_.dir);
  EXPECT_EQ(state.problem, "");
  EXPECT_EQ(state.files, 2);
  EXPECT_GT(state.bytes, 70000);
  EXPECT_LT(state.bytes, 71000);
}

TEST_F(StoreTest, FoldersAndFilesAreForTheUserAlone) {
  const mode_t mask = umask(0);
  Open()->Keep(ObjectKey(1), ObjectBytes(1));
  umask(mask);
  struct stat status;
  for (const std::string& folder : {root_ + "/a", options_.dir}) {
    ASSERT_EQ(stat(folder.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700u) << folder;
  }
  ASSERT_EQ(stat(Files().at(0).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(StoreTest, DamagedFilesAreReplaced) {
  auto store = Open();
  store->Keep(ObjectKey(2), ObjectBytes(2));
  const std::string other = Read(Files().at(0));
  std::filesystem::remove(Files().at(0));
  store->Keep(ObjectKey(1), ObjectBytes(1));
  const std::string file = Files().at(0), whole = Read(file);
  std::vector<std::string> damaged = {"", "x", whole + "x", whole.substr(0, whole.size() - 1), whole.substr(0, 40),
                                      other, std::string(whole.size(), '\0')};
  for (size_t at = 0; at < whole.size(); at += at < 100 ? 1 : 97) {
    damaged.push_back(whole);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 0x10);
  }
  for (size_t i = 0; i < damaged.size(); ++i) {
    Write(file, damaged[i]);
    std::string object;
    EXPECT_FALSE(store->Find(ObjectKey(1), &object)) << i;
    EXPECT_EQ(Counts().rejected, static_cast<int64_t>(i) + 1);
    store->Keep(ObjectKey(1), ObjectBytes(1));
    EXPECT_TRUE(Holds(*store, 1, ObjectBytes(1))) << i;
    EXPECT_EQ(Read(file), whole);
  }
}

TEST_F(StoreTest, FilesThatOthersMayHaveWrittenAreNotUsed) {
  auto store = Open();
  store->Keep(ObjectKey(1), ObjectBytes(1));
  const std::string file = Files().at(0);
  std::string object;
  for (mode_t mode : {0660, 0602, 0666}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    EXPECT_FALSE(store->Find(ObjectKey(1), &object)) << mode;
  }
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_TRUE(store->Find(ObjectKey(1), &object));
  const std::string elsewhere = root_ + "/elsewhere";
  std::filesystem::rename(file, elsewhere);
  ASSERT_EQ(symlink(elsewhere.c_str(), file.c_str()), 0);
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  store->Keep(ObjectKey(1), ObjectBytes(2));
  EXPECT_TRUE(Holds(*store, 1, ObjectBytes(2)));
  EXPECT_FALSE(std::filesystem::is_symlink(file));
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  store->Keep(ObjectKey(1), ObjectBytes(1));  // cannot take the folder's place
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(StoreTest, FoldersThatOthersMayWriteAreNotUsed) {
  Open()->Keep(ObjectKey(1), ObjectBytes(1));
  for (mode_t mode : {0770, 0702, 0777}) {
    ASSERT_EQ(chmod(options_.dir.c_str(), mode), 0);
    EXPECT_FALSE(Open()) << mode;
    EXPECT_EQ(InspectCodeCache(options_).problem, "others may write to it");
  }
  ASSERT_EQ(chmod(options_.dir.c_str(), 0755), 0);
  EXPECT_TRUE(Holds(*Open(), 1, ObjectBytes(1)));
  const std::string link = root_ + "/link", file = root_ + "/file";
  ASSERT_EQ(symlink(options_.dir.c_str(), link.c_str()), 0);
  Write(file, "");
  for (const std::string& dir : {link, file, file + "/below"}) EXPECT_FALSE(CodeStore::Open({{}, dir})) << dir;
}

TEST_F(StoreTest, WhatBelongsToOthersIsNotUsed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  auto store = Open();
  store->Keep(ObjectKey(1), ObjectBytes(1));
  std::string object;
  AsPlainUser::GiveTo(Files().at(0));
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  EXPECT_EQ(Counts().rejected, 1);
  AsPlainUser::GiveTo(options_.dir);
  EXPECT_FALSE(Open());
  EXPECT_EQ(InspectCodeCache(options_).problem, "it belongs to another user");
}

TEST_F(StoreTest, FoldersThatCannotBeWrittenAreRead) {
  options_.dir = root_;
  Open()->Keep(ObjectKey(1), ObjectBytes(1));
  for (const std::string& path : {Files().at(0), root_}) AsPlainUser::GiveTo(path);
  ASSERT_EQ(chmod(root_.c_str(), 0500), 0);
  {
    AsPlainUser user;
    auto store = Open();
    ASSERT_TRUE(store);
    EXPECT_TRUE(Holds(*store, 1, ObjectBytes(1)));
    store->Keep(ObjectKey(2), ObjectBytes(2));
    EXPECT_FALSE(CodeStore::Open({{}, root_ + "/new"}));
  }
  EXPECT_EQ(Files().size(), 1u);
  EXPECT_EQ(Counts().kept, 1);
  ASSERT_EQ(chmod(root_.c_str(), 0700), 0);
}

TEST_F(StoreTest, AFullDiskLeavesNothing) {
  auto store = Open();
  rlimit usual;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
  const rlimit little = {200, usual.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  store->Keep(ObjectKey(1), ObjectBytes(1));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(Files().empty());
  EXPECT_EQ(Counts().kept, 0);
  std::filesystem::remove_all(options_.dir);
  store->Keep(ObjectKey(1), ObjectBytes(1));
  std::string object;
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
}

TEST_F(StoreTest, TheOldestGoWhenThereAreMany) {
  constexpr int64_t kMost = 20000;
  auto store = CodeStore::Open(options_, kMost);
  for (int i = 0; i < 10; ++i) {
    store->Keep(ObjectKey(i), ObjectBytes(i));
    for (const std::string& file : Files()) {
      if (Read(file).back() == ObjectBytes(i).back()) SetAge(file, 100000 - i * 1000);
    }
  }
  EXPECT_EQ(Files().size(), 10u);
  EXPECT_TRUE(Holds(*store, 0, ObjectBytes(0)));  // used: now it is the youngest
  const std::string stale = options_.dir + "/new-1-2-3", fresh = options_.dir + "/new-4-5-6";
  for (const std::string& unfinished : {stale, fresh}) Write(unfinished, "x");
  SetAge(stale, 100000);
  for (int i = 10; i < 20; ++i) store->Keep(ObjectKey(i), ObjectBytes(i));
  EXPECT_LE(InspectCodeCache(options_).bytes, kMost);
  EXPECT_TRUE(Holds(*store, 0, ObjectBytes(0)));
  EXPECT_TRUE(Holds(*store, 19, ObjectBytes(19)));
  std::string object;
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  EXPECT_TRUE(store->Find(ObjectKey(9), &object));
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(fresh));
}

TEST_F(StoreTest, ForceWritesAndDoesNotRead) {
  Open()->Keep(ObjectKey(1), ObjectBytes(1));
  options_.mode = CodeCacheMode::kForce;
  auto store = Open();
  std::string object;
  EXPECT_FALSE(store->Find(ObjectKey(1), &object));
  store->Keep(ObjectKey(1), ObjectBytes(2));
  options_.mode = CodeCacheMode::kEnable;
  EXPECT_TRUE(Holds(*Open(), 1, ObjectBytes(2)));
  options_.mode = CodeCacheMode::kDisable;
  EXPECT_FALSE(Open());
}

TEST_F(StoreTest, WhereItLies) {
  const auto dir_with = [](const char* own, const char* xdg, const char* home) {
    const std::pair<const char*, const char*> variables[] = {
        {"BELAY_CACHE", own}, {"XDG_CACHE_HOME", xdg}, {"HOME", home}};
    std::vector<std::pair<const char*, std::string>> usual;
    for (const auto& [name, value] : variables) {
      usual.emplace_back(name, std::getenv(name) ? std::getenv(name) : "");
      if (value) setenv(name, value, 1);
      else unsetenv(name);
    }
    const CodeCacheState state = InspectCodeCache({});
    EXPECT_EQ(state.dir.empty(), !state.problem.empty()) << state.problem;
    EXPECT_EQ(CodeStore::Open({}) != nullptr, state.problem.empty());
    for (const auto& [name, value] : usual) setenv(name, value.c_str(), 1);
    return state.dir;
  };
  const std::string own = root_ + "/own", xdg = root_ + "/xdg", home = root_ + "/home", none = root_ + "/none";
  std::filesystem::create_directory(home);
  EXPECT_EQ(dir_with(own.c_str(), xdg.c_str(), home.c_str()), own + "/kernels");
  EXPECT_EQ(dir_with("", xdg.c_str(), home.c_str()), xdg + "/belay/kernels");
  EXPECT_EQ(dir_with(nullptr, "relative", home.c_str()), home + "/.cache/belay/kernels");
  EXPECT_EQ(dir_with(nullptr, nullptr, nullptr), "");
  EXPECT_EQ(dir_with(nullptr, "", none.c_str()), "");
  EXPECT_FALSE(std::filesystem::exists(none));
  EXPECT_EQ(dir_with("off", xdg.c_str(), home.c_str()), "");
  setenv("BELAY_CACHE", "off", 1);
  EXPECT_FALSE(Open());
  setenv("BELAY_CACHE", own.c_str(), 1);
  EXPECT_EQ(InspectCodeCache(options_).dir, options_.dir);  // the options come first
}

TEST_F(StoreTest, ManyThreadsReadAndWrite) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        auto store = CodeStore::Open(options_, 40000);
        const int number = (i * 3 + t) % 20;
        std::string object;
        if (store->Find(ObjectKey(number), &object) && object != ObjectBytes(number, 4000)) ++wrong;
        store->Keep(ObjectKey(number), ObjectBytes(number, 4000));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(Counts().rejected, 0);
  EXPECT_LE(InspectCodeCache(options_).bytes, 50000);
}

}  // namespace
}  // namespace belay
