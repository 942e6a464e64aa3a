// What a run may and may not do: memory, failures, results whose size depends on data, the end of the process.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "api_ge/ge_fixture.h"
#include "matrix_calculation_ops.h"
#include "nn_norm_ops.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<int> allocations{0};
void Count() {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1);
}
}  // namespace

// Interposed for the whole process: the engine's libraries allocate through these as well. A sanitizer brings its own
// functions under these names, and starts before this program's code may run.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BELAY_COUNTS_ALLOCATIONS 1
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t n, size_t size);
void* __libc_realloc(void* p, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) {
  Count();
  return __libc_malloc(size);
}
void* calloc(size_t n, size_t size) {
  Count();
  return __libc_calloc(n, size);
}
void* realloc(void* p, size_t size) {
  Count();
  return __libc_realloc(p, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  Count();
  return __libc_memalign(alignment, size);
}
}
#endif

namespace belay_test {
namespace {

class Run : public GeTest {
 protected:
  ge::Status Execute(ge::Session& session, uint32_t id, const std::vector<gert::Tensor>& in,
                     std::vector<gert::Tensor>& out) {
    return GeSessionExecuteGraphWithStreamAsync(session, id, stream_, in, out);
  }
};

TEST_F(Run, ASteadyCallAllocatesNothing) {
#ifndef BELAY_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "allocations are not counted under a sanitizer";
#endif
  counting = true;
  ge::Session session(Options{});
  counting = false;
  ASSERT_GT(allocations.load(), 0);  // the hook sees the engine's libraries
  auto x = MakeData("x", 0, {64, 64});
  auto mm = ge::op::MatMulV2("mm").set_input_x1(x).set_input_x2(x);
  auto soft = ge::op::SoftmaxV2("soft").set_input_x(mm);
  ge::Graph graph("steady");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{soft, mm});
  Load(session, 1, graph, stream_);
  DeviceTensor a{ge::DT_FLOAT, {64, 64}, 4}, b{ge::DT_FLOAT, {64, 64}, 4}, c{ge::DT_FLOAT, {64, 64}, 4};
  a.Set(std::vector<float>(64 * 64, 0.125f));
  auto in = Views({&a}), out = Views({&b, &c});
  auto call = [&] {
    const bool queued = Execute(session, 1, in, out) == ge::SUCCESS;
    return queued && aclrtSynchronizeStream(stream_) == ACL_SUCCESS;
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(call());
  // A thread of the pool that takes its first chunk late, on a busy machine, takes its scratch memory then.
  int attempts = 0;
  do {
    int good = 0;
    allocations = 0;
    counting = true;
    for (int i = 0; i < 200; ++i) good += call();
    counting = false;
    EXPECT_EQ(good, 200);
  } while (allocations.load() > 0 && ++attempts < 5);
  EXPECT_EQ(allocations.load(), 0);
  EXPECT_FLOAT_EQ(b.Get<float>()[77], 1.0f / 64);
}

TEST_F(Run, FailuresSurfaceAtSynchronize) {
  ge::Session session(Options{});
  Load(session, 1, PickRows(), stream_);
  DeviceTensor x{ge::DT_FLOAT, {4, 2}, 4}, i{ge::DT_INT32, {2}, 4}, y{ge::DT_FLOAT, {2, 2}, 4};
  x.Set<float>({0, 1, 2, 3, 4, 5, 6, 7});
  i.Set<int32_t>({3, 9});
  auto in = Views({&x, &i}), out = Views({&y});
  (void)aclGetRecentErrMsg();
  ASSERT_EQ(Execute(session, 1, in, out), ge::SUCCESS);
  EXPECT_NE(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  const char* text = aclGetRecentErrMsg();
  ASSERT_NE(text, nullptr);
  for (const char* word : {"pick", "index 9", "[0, 4)"}) {
    EXPECT_NE(std::string(text).find(word), std::string::npos) << word << " in: " << text;
  }
  i.Set<int32_t>({3, 1});
  ASSERT_EQ(Execute(session, 1, in, out), ge::SUCCESS);
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>(), (std::vector<float>{6, 7, 2, 3}));
}

TEST_F(Run, DataDependentExtent) {
  ge::Session session(Options{});
  Load(session, 1, FindNonZero(), stream_);
  DeviceTensor x{ge::DT_FLOAT, {6}, 4};
  x.Set<float>({0, 5, 0, 0, -1, 2});
  auto in = Views({&x});
  std::vector<gert::Tensor> out(1);
  ASSERT_EQ(Execute(session, 1, in, out), ge::SUCCESS) << TakeErrors();
  // No synchronisation: the extent was needed, so the call has waited.
  ASSERT_NE(out[0].GetAddr(), nullptr);
  ASSERT_EQ(out[0].GetStorageShape().GetDimNum(), 2u);
  EXPECT_EQ(out[0].GetStorageShape().GetDim(0), 3);
  EXPECT_EQ(out[0].GetStorageShape().GetDim(1), 1);
  EXPECT_EQ(out[0].GetDataType(), ge::DT_INT64);
  EXPECT_EQ(out[0].GetSize(), 24u);
  const int64_t* rows = out[0].GetData<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(rows, rows + 3), (std::vector<int64_t>{1, 4, 5}));
  gert::TensorData shared;
  ASSERT_EQ(shared.ShareFrom(out[0].GetTensorData()), ge::GRAPH_SUCCESS);
  out.clear();
  EXPECT_EQ(static_cast<int64_t*>(shared.GetAddr())[2], 5);
}

TEST_F(Run, DataDependentExtentIntoTheCallersBuffer) {
  ge::Session session(Options{});
  Load(session, 1, FindNonZero(), stream_);
  DeviceTensor x{ge::DT_FLOAT, {6}, 4}, big{ge::DT_INT64, {6, 1}, 8}, small{ge::DT_INT64, {2, 1}, 8};
  x.Set<float>({0, 5, 0, 0, -1, 2});
  auto in = Views({&x}), out = Views({&big}), short_out = Views({&small});
  ASSERT_EQ(Execute(session, 1, in, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(out[0].GetStorageShape().GetDim(0), 3);
  EXPECT_EQ(out[0].GetAddr(), big.data());
  std::vector<int64_t> rows = big.Get<int64_t>();
  rows.resize(3);
  EXPECT_EQ(rows, (std::vector<int64_t>{1, 4, 5}));
  ExpectRefusal(Execute(session, 1, in, short_out), {"output 0", "24 bytes", "16"});
  EXPECT_EQ(small.Get<uint8_t>(), std::vector<uint8_t>(16, 0xEE));
  EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
}

TEST_F(Run, DataDependentExtentZero) {
  ge::Session session(Options{});
  Load(session, 1, FindNonZero(), stream_);
  DeviceTensor x{ge::DT_FLOAT, {6}, 4};
  x.Set<float>({0, 0, 0, 0, 0, 0});
  auto in = Views({&x});
  std::vector<gert::Tensor> out(1);
  ASSERT_EQ(Execute(session, 1, in, out), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(out[0].GetStorageShape().GetDim(0), 0);
  EXPECT_EQ(out[0].GetSize(), 0u);
}

// A refused call leaves nothing behind that lets the next one skip its checks.
TEST_F(Run, ARefusedOutputStaysRefused) {
  ge::Session session(Options{});
  Load(session, 1, Twice({-1}), stream_);
  DeviceTensor two{ge::DT_FLOAT, {2}, 4}, many{ge::DT_FLOAT, {64}, 4}, y{ge::DT_FLOAT, {2}, 4};
  two.Set<float>({1, 2});
  auto in = Views({&two}), big = Views({&many}), out = Views({&y});
  ASSERT_EQ(Execute(session, 1, in, out), ge::SUCCESS);
  for (int i = 0; i < 3; ++i) {
    auto short_out = Views({&y});
    ExpectRefusal(Execute(session, 1, big, short_out), {"output 0", "256 bytes"});
  }
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
}

enum Ending { kReturn, kFinalizeOnly, kDestroyNothing };

// In a child: graphs queued behind a host function that never lets them run, then exit.
int LiveAtExit(Ending ending) {
  if (ge::GEInitialize(Options{}) != ge::SUCCESS) return 2;
  if (aclrtSetDevice(0) != ACL_SUCCESS) return 3;
  aclrtStream stream = nullptr;
  if (aclrtCreateStream(&stream) != ACL_SUCCESS) return 4;
  static auto* session = new ge::Session(Options{});
  static auto* x = new DeviceTensor(ge::DT_FLOAT, {1024}, 4);
  static auto* y = new DeviceTensor(ge::DT_FLOAT, {1024}, 4);
  if (session->AddGraph(1, Twice({1024})) != ge::SUCCESS) return 5;
  if (session->CompileGraph(1) != ge::SUCCESS) return 6;
  if (GeSessionLoadGraph(*session, 1, Options{}, stream) != ge::SUCCESS) return 7;
  for (int i = 0; i < 200; ++i) {
    auto in = Views({x}), out = Views({y});
    if (GeSessionExecuteGraphWithStreamAsync(*session, 1, stream, in, out) != ge::SUCCESS) return 8;
  }
  if (ending == kFinalizeOnly && ge::GEFinalize() != ge::SUCCESS) return 9;
  return 0;
}

// Waits up to 20 s for the child; -1 when it hangs, 1000 + signal when it crashed.
int ExitCode(pid_t child) {
  for (int i = 0; i < 2000; ++i) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  (void)waitpid(child, nullptr, 0);
  return -1;
}

TEST(Exit, LiveSessionsAndStreams) {
  for (Ending ending : {kReturn, kFinalizeOnly, kDestroyNothing}) {
    const std::string which = std::to_string(ending);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      execl("/proc/self/exe", "run_test", "--live-at-exit", which.c_str(), nullptr);
      _exit(99);
    }
    EXPECT_EQ(ExitCode(child), 0) << "ending " << which;
  }
}

}  // namespace
}  // namespace belay_test

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--live-at-exit") {
    const auto ending = static_cast<belay_test::Ending>(std::atoi(argv[2]));
    const int code = belay_test::LiveAtExit(ending);
    if (ending == belay_test::kDestroyNothing) std::exit(code);
    return code;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
