// Kernels compiled with a store: what is found runs as what was made does.
#include "backend/cpu/build_contract.h"
#include "backend_cache/cache_fixture.h"
#include "backend_loops/harness.h"

namespace belay {
namespace {

class CompileTest : public CacheTest {
 protected:
  // tanh(x) * factor + y, with a table of constants and a symbol.
  void SetUp() override {
    CacheTest::SetUp();
    std::mt19937 rng(7);
    for (double factor : {2.0, 3.0}) {
      Fragment& f = fragments_.emplace_back();
      const Dim rows = f.Symbol(5);
      const Tensor x = f.Input(DType::kF32, {rows, 33}), y = f.Input(DType::kF32, {33});
      f.Output(Tanh(x) * factor + y + f.b.Constant(RandomLiteral(rng, DType::kF32, {33})));
      specs_.push_back({f.graph, {false, false}, "kernel"});
    }
    inputs_ = {RandomLiteral(rng, DType::kF32, {5, 33}), RandomLiteral(rng, DType::kF32, {33})};
  }
  // The bytes that the kernels compute.
  std::string Results(const TargetRow& row, const CodeStore* store) {
    std::vector<CompileJob> jobs;
    for (const KernelSpec& spec : specs_) jobs.push_back({&BuildLoops, &spec});
    return ResultsOf(CompileJobs(jobs, row, store));
  }
  std::string ResultsOf(const Result<std::vector<CompiledKernel>>& kernels) {
    EXPECT_TRUE(kernels.ok()) << kernels.status().ToString();
    std::string bytes;
    for (size_t i = 0; kernels.ok() && i < kernels->size(); ++i) {
      RunError error;
      LiteralPtr out = RunCompiled((*kernels)[i], fragments_[i], inputs_, true, 1, &error);
      bytes.append(static_cast<const char*>(out->data()), static_cast<size_t>(out->ByteSize()));
    }
    return bytes;
  }
  void ExpectCounts(int64_t found, int64_t missed, int64_t rejected, int64_t kept) {
    const CodeCacheCounts counts = Counts();
    EXPECT_EQ(counts.found, found);
    EXPECT_EQ(counts.missed, missed);
    EXPECT_EQ(counts.rejected, rejected);
    EXPECT_EQ(counts.kept, kept);
    before_ = CountCodeCache();
  }

  std::vector<Fragment> fragments_;
  std::vector<KernelSpec> specs_;
  std::vector<LiteralPtr> inputs_;
};

TEST_F(CompileTest, TheSecondTimeEverythingIsFound) {
  const std::string plain = Results(HostTargetRow(), nullptr);
  ExpectCounts(0, 0, 0, 0);
  EXPECT_EQ(Results(HostTargetRow(), Open().get()), plain);
  ExpectCounts(0, 2, 0, 2);
  EXPECT_EQ(Files().size(), 2u);
  EXPECT_EQ(Results(HostTargetRow(), Open().get()), plain);
  ExpectCounts(2, 0, 0, 0);
  std::reverse(specs_.begin(), specs_.end());  // neighbours do not count
  std::reverse(fragments_.begin(), fragments_.end());
  const size_t half = plain.size() / 2;
  EXPECT_EQ(Results(HostTargetRow(), Open().get()), plain.substr(half) + plain.substr(0, half));
  ExpectCounts(2, 0, 0, 0);
}

// Scales, zero points, bounds and tables of bytes: what differs between the layers of a quantised model.
TEST_F(CompileTest, KernelsShareCodeButForTheirNumbers) {
  struct Numbers {
    double scale, zero, low, high;
  };
  const std::vector<Numbers> all = {{0.37, 13, -129, 117}, {0.024, -7, -60, 61}, {4.0, 128, -100, 90}};
  for (DType to : {DType::kI8, DType::kF32}) {
    fragments_.clear();
    specs_.clear();
    std::mt19937 rng(11);
    inputs_ = {RandomLiteral(rng, DType::kU8, {9, 48}), RandomLiteral(rng, DType::kI8, {48, 80})};
    for (const Numbers& n : all) {
      Fragment& f = fragments_.emplace_back();
      const Tensor x = f.Input(DType::kU8, {9, 48}), w = f.Input(DType::kI8, {48, 80});
      Tensor y = Cast(MatMul(x, w, DType::kI32), F) * (n.scale / 64);
      y = Min(Max(Map(ScalarOp::kRound, y), n.low), n.high) * 0.25;
      y = Map(ScalarOp::kAbs, y - n.scale) / (1 + n.scale) + Max(y, n.zero);
      if (to == DType::kI8) y = Cast(Min(Max(Map(ScalarOp::kRound, y) - n.zero, -128.0), 127.0), to);
      f.Output(y);
      specs_.push_back({f.graph, {false, false}, "kernel"});
    }
    std::vector<CompileJob> jobs;
    for (const KernelSpec& spec : specs_) jobs.push_back({&BuildContract, &spec});
    std::string expected;
    for (const Fragment& f : fragments_) {
      const auto out = Interpret(*f.graph, inputs_);
      ASSERT_TRUE(out.ok()) << out.status().ToString();
      expected.append(static_cast<const char*>((*out)[0]->data()), static_cast<size_t>((*out)[0]->ByteSize()));
    }
    for (const TargetRow& row : TargetRows()) {
      if (!HostRuns(row)) continue;
      for (bool again : {false, true}) {
        EXPECT_TRUE(ResultsOf(CompileJobs(jobs, row, Open().get())) == expected) << row.name;
        ExpectCounts(again, !again, 0, !again);
      }
    }
  }
}

TEST_F(CompileTest, DamagedCodeIsCompiledAnew) {
  const std::string plain = Results(HostTargetRow(), Open().get());
  ExpectCounts(0, 2, 0, 2);
  for (const std::string& file : Files()) {
    std::string bytes = Read(file);
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    Write(file, bytes);
  }
  EXPECT_EQ(Results(HostTargetRow(), Open().get()), plain);
  ExpectCounts(0, 2, 2, 2);
  EXPECT_EQ(Results(HostTargetRow(), Open().get()), plain);
  ExpectCounts(2, 0, 0, 0);
}

TEST_F(CompileTest, RowsDoNotMix) {
  std::vector<std::string> plain;
  int64_t rows = 0;
  for (const TargetRow& row : TargetRows()) {
    if (!HostRuns(row)) continue;
    ++rows;
    plain.push_back(Results(row, Open().get()));
    ExpectCounts(0, 2, 0, 2);
  }
  EXPECT_EQ(Files().size(), static_cast<size_t>(2 * rows));
  size_t at = 0;
  for (const TargetRow& row : TargetRows()) {
    if (!HostRuns(row)) continue;
    EXPECT_EQ(Results(row, Open().get()), plain[at++]) << row.name;
  }
  ExpectCounts(2 * rows, 0, 0, 0);
}

TEST_F(CompileTest, FoldersThatCannotBeUsedAreNoError) {
  const std::string plain = Results(HostTargetRow(), nullptr);
  Open();
  ASSERT_EQ(chmod(options_.dir.c_str(), 0777), 0);
  EXPECT_EQ(ResultsOf(CpuBackend().Compile(specs_, options_)), plain);
  EXPECT_TRUE(Files().empty());
  options_.dir = root_;
  AsPlainUser::GiveTo(root_);
  ASSERT_EQ(chmod(root_.c_str(), 0500), 0);
  {
    AsPlainUser user;
    EXPECT_EQ(ResultsOf(CpuBackend().Compile(specs_, options_)), plain);
    ExpectCounts(0, 2, 0, 0);
  }
  ASSERT_EQ(chmod(root_.c_str(), 0700), 0);
}

TEST_F(CompileTest, TheBackendFollowsTheMode) {
  options_.mode = CodeCacheMode::kDisable;
  const std::string plain = ResultsOf(CpuBackend().Compile(specs_, options_));
  EXPECT_FALSE(std::filesystem::exists(options_.dir));
  options_.mode = CodeCacheMode::kEnable;
  EXPECT_EQ(ResultsOf(CpuBackend().Compile(specs_, options_)), plain);
  ExpectCounts(0, 2, 0, 2);
  EXPECT_EQ(ResultsOf(CpuBackend().Compile(specs_, options_)), plain);
  ExpectCounts(2, 0, 0, 0);
  options_.mode = CodeCacheMode::kForce;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ResultsOf(CpuBackend().Compile(specs_, options_)), plain);
    ExpectCounts(0, 0, 0, 2);
  }
  setenv("BELAY_CACHE", "off", 1);
  EXPECT_EQ(ResultsOf(CpuBackend().Compile(specs_, options_)), plain);
  ExpectCounts(0, 0, 0, 0);
}

}  // namespace
}  // namespace belay
