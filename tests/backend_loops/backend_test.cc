// The CPU backend as the compiler sees it: many fragments at once, equal ones shared, library
// calls.
#include <thread>

#include "backend_loops/harness.h"

namespace belay {
namespace {

std::shared_ptr<Graph> AddConstant(double value, int64_t n) {
  Fragment f;
  f.Output(f.Input(F, {n}) + value);
  return f.graph;
}

TEST(Backend, EqualFragmentsShareCode) {
  std::vector<KernelSpec> specs = {{AddConstant(1, 40), {false}, "a"},
                                   {AddConstant(1, 40), {false}, "b"},
                                   {AddConstant(2, 40), {false}, "c"},
                                   {AddConstant(1, 41), {false}, "d"}};
  auto kernels = CpuBackend().Compile(specs);
  ASSERT_TRUE(kernels.ok()) << kernels.status().ToString();
  EXPECT_EQ((*kernels)[0].fn, (*kernels)[1].fn);
  EXPECT_NE((*kernels)[0].fn, (*kernels)[2].fn);
  EXPECT_NE((*kernels)[0].fn, (*kernels)[3].fn);
  auto again = CpuBackend().Compile({specs[2]});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)[0].fn, (*kernels)[2].fn);
}

// x [a, 8] + y [b, 8], where a is one symbol and b perhaps another.
KernelSpec AddRows(int a, int b) {
  Fragment f;
  Tensor x = f.Input(F, {Dim::Symbol(a), 8}), y = f.Input(F, {Dim::Symbol(b), 8});
  Node* node = f.graph->Add(Op::kConcat, {x.node(), y.node()}, {F, {Dim::Symbol(a) + Dim::Symbol(b), 8}});
  node->axes = {0};
  f.graph->outputs = {node};
  return {f.graph, {false, false}, "rows"};
}

// What is larger than the caches is stored past them, if its vectors begin at lines of the cache. Of a shape that is
// known when the kernel is made, of the output's address when it runs.
TEST(Backend, WritesPastCaches) {
  SetLastLevelCacheBytes(1024);
  std::mt19937 rng(15);
  for (DType d : {F, DType::kF16, DType::kF64, DType::kU8}) {
    for (int64_t columns : {64, 100, 256}) {
      SCOPED_TRACE(fmt::format("{} {}", DTypeName(d), columns));
      Fragment map, parts, rows;
      map.Output(map.Input(d, {40, columns}) + map.Input(d, {columns}));
      Check(map, RandomInputs(rng, map, 0, 4), {});
      Tensor x = parts.Input(d, {40, columns});
      parts.Output(Concat({x, x + x}, 1));
      Check(parts, RandomInputs(rng, parts, 0, 4), {});
      Tensor y = rows.Input(d, {41, columns});
      rows.Output(y + MaxOver(y, {1}));
      Check(rows, RandomInputs(rng, rows, 0, 4), {});
    }
  }
  for (int64_t columns : {96, 100}) {
    Fragment f;
    f.Output(f.Input(F, {40, columns}) * f.Input(F, {40, 1}));
    std::vector<LiteralPtr> in = RandomInputs(rng, f);
    KernelSpec spec{f.graph, {false, false}, "k"};
    auto kernels = CompileJobs({{&BuildLoops, &spec}}, HostTargetRow());
    ASSERT_TRUE(kernels.ok());
    const CompiledKernel& kernel = (*kernels)[0];
    EXPECT_EQ(kernel.about.find("past the caches") != std::string::npos, HostTargetRow().x86 && columns == 96)
        << kernel.about;
    auto want = Interpret(*f.graph, in, {});
    ASSERT_TRUE(want.ok());
    std::vector<float> memory(40 * columns + 32);
    for (int64_t offset = 0; offset < 32; ++offset) {
      float* out = memory.data() + offset;
      std::vector<void*> buffers = {const_cast<void*>(in[0]->data()), const_cast<void*>(in[1]->data()), out};
      RunError error;
      KernelCall call{buffers.data(), nullptr, &error, kernel.closure};
      std::fill(memory.begin(), memory.end(), -77.0f);
      kernel.fn(&call, 0, kernel.chunks.value());
      EXPECT_EQ(std::memcmp(out, (*want)[0]->data(), (*want)[0]->ByteSize()), 0) << offset;
      EXPECT_EQ(std::count(memory.begin(), memory.end(), -77.0f), 32);
    }
  }
  SetLastLevelCacheBytes(0);
}

// One chunk after the other, the last first, into memory that begins at a line.
std::vector<float> RunRows(const Fragment& f, const Literal& x, bool delayed) {
  KernelSpec spec{f.graph, {false}, "k"};
  auto kernels = CompileJobs({{&BuildLoops, &spec}}, HostTargetRow());
  EXPECT_TRUE(kernels.ok());
  const CompiledKernel& kernel = (*kernels)[0];
  EXPECT_EQ(kernel.about.find("beside the next pair") != std::string::npos, delayed) << kernel.about;
  std::vector<float> memory(static_cast<size_t>(x.NumElements()) + 32, -77.0f);
  const auto misplaced = static_cast<size_t>(reinterpret_cast<uintptr_t>(memory.data()) / 4 % 16);
  float* out = memory.data() + (16 - misplaced) % 16;
  std::vector<void*> buffers = {const_cast<void*>(x.data()), out};
  RunError error;
  KernelCall call{buffers.data(), nullptr, &error, kernel.closure};
  for (int64_t chunk = kernel.chunks.value(); chunk-- > 0;) kernel.fn(&call, chunk, chunk + 1);
  EXPECT_EQ(std::count(memory.begin(), memory.end(), -77.0f), 32);
  return {out, out + x.NumElements()};
}

// A row is the same whether it is written into the caches or past them, where its last pass waits for the next rows.
// Rows whose sum has no reciprocal cannot wait.
TEST(Backend, RowsThatWaitAreTheSame) {
  std::mt19937 rng(16);
  for (int64_t columns : {64, 100, 192, 768}) {
    for (int64_t rows : {1, 2, 3, 4, 5, 41, 1500}) {
      for (bool shifted : {true, false}) {
        SCOPED_TRACE(fmt::format("{} rows of {}, shifted {}", rows, columns, shifted));
        Fragment f;
        Tensor x = f.Input(F, {rows, columns});
        Tensor e = Exp(shifted ? x - MaxOver(x, {1}) : x);
        f.Output(e / Sum(e, {1}));
        std::shared_ptr<Literal> in = std::const_pointer_cast<Literal>(RandomLiteral(rng, F, {rows, columns}, -4, 4));
        auto* values = static_cast<float*>(in->mutable_data());
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < columns && rng() % 5 == 0; ++c) values[r * columns + c] -= 92;
        }
        const std::vector<float> plain = RunRows(f, *in, false);
        SetLastLevelCacheBytes(512);
        const std::vector<float> waited = RunRows(f, *in, HostTargetRow().x86 && rows > 1 && columns % 64 == 0);
        SetLastLevelCacheBytes(0);
        EXPECT_EQ(std::memcmp(plain.data(), waited.data(), plain.size() * sizeof(float)), 0);
      }
    }
  }
}

TEST(Backend, FragmentsThatDifferInSymbolsShareCode) {
  auto kernels = CpuBackend().Compile({AddRows(0, 3), AddRows(7, 2), AddRows(4, 4)});
  ASSERT_TRUE(kernels.ok()) << kernels.status().ToString();
  const CompiledKernel &first = (*kernels)[0], &other = (*kernels)[1];
  EXPECT_EQ(first.fn, other.fn);
  EXPECT_NE(first.fn, (*kernels)[2].fn);
  ASSERT_EQ(first.params.size(), other.params.size());
  auto renamed = [](int id) { return Dim::Symbol(id == 0 ? 7 : 2); };
  EXPECT_EQ(first.chunks.Substitute(renamed), other.chunks);
  for (size_t i = 0; i < first.params.size(); ++i) {
    EXPECT_EQ(first.params[i].Substitute(renamed), other.params[i]);
  }
  auto again = CpuBackend().Compile({AddRows(5, 6)});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)[0].fn, first.fn);
}

TEST(Backend, CompilesOnSeveralThreadsAndFreesCode) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &right] {
      for (int i = 0; i < 5; ++i) {
        Fragment f;
        f.Output(f.Input(F, {16}) + static_cast<double>(t * 10 + i % 2));
        auto kernels = CpuBackend().Compile({{f.graph, {false}, "k"}});
        if (!kernels.ok()) continue;
        RunError error;
        auto zeros = Literal::Allocate(F, {16});
        LiteralPtr got = RunCompiled((*kernels)[0], f, {zeros}, true, 1, &error);
        if (got->as<float>()[15] == static_cast<float>(t * 10 + i % 2)) ++right;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(right.load(), 20);
}

TEST(Backend, NotSupportedIsSaidByName) {
  Fragment f;
  Tensor x = f.Input(DType::kC64, {4});
  Node* node = f.graph->Add(Op::kMap, {x.node(), x.node()}, x.node()->type);
  f.graph->outputs = {node};
  auto kernels = CpuBackend().Compile({{f.graph, {false}, "complex"}});
  ASSERT_FALSE(kernels.ok());
  EXPECT_EQ(kernels.status().code(), Code::kNotSupported);
  EXPECT_NE(kernels.status().message().find("complex"), std::string::npos)
      << kernels.status().message();
}

TEST(Backend, EveryRowIsNamedOnce) {
  for (const TargetRow& row : TargetRows()) EXPECT_EQ(FindTargetRow(row.name), &row);
  EXPECT_TRUE(HostRuns(HostTargetRow()));
  EXPECT_EQ(FindTargetRow("z80"), nullptr);
}

}  // namespace
}  // namespace belay
