// Matrix kernels on the shapes of real networks: 1e9 operations a second on one thread and the share of the machine's
// measured peak for such operands, with constants in the caches and without; for products of one row, the share of the
// rate at which memory is read.
//   bench_kernels [ROW] [DTYPE] [FILTER]: a row of the target table, f32, bf16 or i8, a substring of the shape's name
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "backend/cpu/build_contract.h"
#include "backend/cpu/build_jit.h"
#include "base/half.h"
#include "graph/builder.h"
#include "peak.h"

namespace belay {
namespace {

// What operands and results are made of: i8 stands for quantised bytes, u8 by i8 to u8.
struct Elements {
  DType a = DType::kF32, b = DType::kF32, acc = DType::kF32;
};

struct Bench {
  std::string name;
  double flops = 0;
  bool one_row = false;
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::vector<bool> constant;
  std::vector<int64_t> sizes;  // in bytes

  Tensor Input(Builder& b, DType dtype, const Shape& shape, bool is_constant) {
    constant.push_back(is_constant);
    sizes.push_back(ByteSize(dtype, NumElements(shape).value()));
    return b.Wrap(graph->AddInput(static_cast<int>(sizes.size()) - 1, {dtype, shape}));
  }
  // Sums, perhaps with a bias and a ReLU, as the next layer wants them.
  void Finish(Builder& b, const Elements& e, Tensor y, bool bias, bool relu) {
    const Dim columns = y.dim(-1);
    if (e.acc == DType::kI32) y = Cast(y, DType::kF32) * Input(b, DType::kF32, {columns}, true);
    if (bias) y = y + Input(b, DType::kF32, {columns}, true);
    if (relu) y = Max(y, 0.0);
    if (e.acc == DType::kI32) y = Max(Min(Map(ScalarOp::kRound, y) + 3.0, 255.0), 0.0);
    graph->outputs = {Cast(y, e.a).node()};
  }
};

struct Arena {  // aligned like device memory
  explicit Arena(int64_t bytes) : data(std::aligned_alloc(64, static_cast<size_t>((bytes + 127) / 64 * 64))) {
    // Each half of a float is a bf16 of its size.
    auto* words = static_cast<uint32_t*>(data);
    for (int64_t i = 0; i < (bytes + 63) / 64 * 16; ++i) {
      words[i] = FloatToBFloat(0.01f * static_cast<float>(i % 97) - 0.3f) * 0x10001u;
    }
  }
  Arena(Arena&& o) noexcept : data(o.data) { o.data = nullptr; }
  Arena(const Arena&) = delete;
  ~Arena() { std::free(data); }
  void* data;
};

struct Cold {
  double seconds = 1e9;
  int64_t bytes = 0;  // of the constant
};

// The median with constants that no cache holds, as in a network: each call has its own copy.
Cold TimeCold(const CompiledKernel& kernel, const KernelCall& call, std::vector<void*> buffers, const Bench& bench) {
  constexpr int64_t kMoreThanCaches = 384 << 20;
  int64_t largest = -1, bytes = 0;
  for (size_t i = 0; i < bench.sizes.size(); ++i) {
    if (!bench.constant[i] || bench.sizes[i] <= bytes) continue;
    bytes = bench.sizes[i];
    largest = static_cast<int64_t>(i);
  }
  if (largest < 0) return {};
  for (const PackRequest& pack : kernel.packs) {
    if (pack.input == largest) bytes = pack.bytes;
  }
  const int64_t count = std::clamp<int64_t>(kMoreThanCaches / std::max<int64_t>(1, bytes), 8, 64);
  std::vector<Arena> copies;
  for (int64_t i = 0; i < count; ++i) {
    copies.emplace_back(bytes);
    std::memcpy(copies.back().data, buffers[largest], static_cast<size_t>(bytes));
  }
  std::vector<double> times;
  for (int64_t i = 0; i < count; ++i) {
    buffers[largest] = copies[static_cast<size_t>(i)].data;
    KernelCall cold = call;
    cold.buffers = buffers.data();
    const double start = Now();
    kernel.fn(&cold, 0, kernel.chunks.Evaluate(std::vector<int64_t>{}));
    times.push_back(Now() - start);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], bytes};
}

// The share of the rate of a plain reader right before and behind, in percent.
double ShareOfReading(const std::function<Cold()>& run) {
  constexpr int kRounds = 5;
  std::vector<double> percents;
  double before = ReadGBs();
  for (int i = 0; i < kRounds; ++i) {
    const Cold cold = run();
    const double after = ReadGBs();
    percents.push_back(100 * static_cast<double>(cold.bytes) * 1e-9 / cold.seconds / (0.5 * (before + after)));
    before = after;
  }
  std::sort(percents.begin(), percents.end());
  return percents[kRounds / 2];
}

// Median seconds of a call, and the share of the peak in percent: each burst beside the peak right before and behind
// it, because the clock of a shared machine moves by a tenth.
std::pair<double, double> InTurnsWithPeak(const std::function<void()>& run, double flops,
                                          const std::function<double()>& peak) {
  constexpr int kRounds = 9;
  std::vector<double> times, percents;
  double before = peak();
  for (int i = 0; i < kRounds; ++i) {
    times.push_back(Fastest(run, 0.01));
    const double after = peak();
    percents.push_back(100 * flops * 1e-9 / times.back() / (0.5 * (before + after)));
    before = after;
  }
  std::sort(times.begin(), times.end());
  std::sort(percents.begin(), percents.end());
  return {times[kRounds / 2], percents[kRounds / 2]};
}

void Run(const Bench& bench, const TargetRow& row, const std::function<double()>& peak) {
  const KernelSpec spec{bench.graph, bench.constant, "bench"};
  if (!CanBuildContract(spec)) {
    std::printf("%-28s refused\n", bench.name.c_str());
    return;
  }
  const double start = Now();
  auto kernels = CompileJobs({{&BuildContract, &spec}}, row);
  const double compile_ms = (Now() - start) * 1e3;
  if (!kernels.ok()) {
    std::printf("%-28s %s\n", bench.name.c_str(), kernels.status().ToString().c_str());
    return;
  }
  const CompiledKernel& kernel = (*kernels)[0];
  std::vector<Arena> arenas;
  for (size_t i = 0; i < bench.sizes.size(); ++i) {
    arenas.emplace_back(bench.sizes[i]);
    for (const PackRequest& pack : kernel.packs) {
      if (pack.input != static_cast<int>(i)) continue;
      Arena packed(pack.bytes);
      pack.pack(arenas.back().data, packed.data);
      std::swap(arenas.back().data, packed.data);
    }
  }
  const TensorType& result = bench.graph->outputs[0]->type;
  arenas.emplace_back(ByteSize(result.dtype, NumElements(result.shape).value()));
  std::vector<void*> buffers;
  for (const Arena& a : arenas) buffers.push_back(a.data);
  std::vector<int64_t> params;
  for (const Dim& d : kernel.params) params.push_back(d.Evaluate(std::vector<int64_t>{}));
  RunError error;
  const KernelCall call{buffers.data(), params.data(), &error, kernel.closure};
  const int64_t chunks = kernel.chunks.Evaluate(std::vector<int64_t>{});
  const auto [seconds, percent] = InTurnsWithPeak([&] { kernel.fn(&call, 0, chunks); }, bench.flops, peak);
  const auto run_cold = [&] { return TimeCold(kernel, call, buffers, bench); };
  const double cold = run_cold().seconds;
  const double cold_percent = bench.one_row ? ShareOfReading(run_cold) : 100 * bench.flops * 1e-9 / peak() / cold;
  std::printf("%-28s %8.1f us %7.1f Gop/s %5.1f %%  cold %8.1f us %5.1f %% %s ", bench.name.c_str(), seconds * 1e6,
              bench.flops / seconds * 1e-9, percent, cold * 1e6, cold_percent,
              bench.one_row ? "of reading" : "");
  std::printf("%4ld chunks (est %5.1f us) compiled %.0f ms  %s\n", static_cast<long>(chunks),
              kernel.ns_per_chunk * static_cast<double>(chunks) * 1e-3, compile_ms, kernel.about.c_str());
  std::fflush(stdout);
}

Bench MatMulBench(const Elements& e, int64_t m, int64_t k, int64_t n, bool constant) {
  Bench s;
  s.name = fmt::format("matmul {}x{}x{}{}", m, k, n, constant ? "" : " input");
  s.flops = 2.0 * static_cast<double>(m * k * n);
  s.one_row = m == 1;
  Builder b(s.graph.get());
  Tensor x = s.Input(b, e.a, {m, k}, false), w = s.Input(b, e.b, {k, n}, constant);
  s.Finish(b, e, MatMul(x, w, e.acc), true, false);
  return s;
}

// Attention with 12 heads of 64: scores (transposed keys) or values.
Bench AttentionBench(const Elements& e, int64_t length, bool scores) {
  Bench s;
  s.name = fmt::format("attention {} {}", scores ? "scores" : "values", length);
  s.flops = 2.0 * 12 * 64 * static_cast<double>(length * length);
  Builder b(s.graph.get());
  const auto heads = [&](DType dtype) {
    return Transpose(Reshape(s.Input(b, dtype, {1, length, 768}, false), {1, length, 12, 64}), {0, 2, 1, 3});
  };
  Tensor q = scores ? heads(e.a) : s.Input(b, e.a, {1, 12, length, length}, false);
  Tensor k = heads(e.b);
  if (scores) k = Transpose(k, {0, 1, 3, 2});
  s.Finish(b, e, MatMul(q, k, e.acc), false, false);
  return s;
}

Bench ConvBench(const Elements& e, int64_t size, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                int64_t groups) {
  Bench s;
  s.name = fmt::format("conv {}>{} {} k{} s{}{}", in, out, size, kernel, stride, groups > 1 ? " dw" : "");
  Builder b(s.graph.get());
  Window w;
  w.kernel = {kernel, kernel};
  w.strides = {stride, stride};
  w.dilations = {1, 1};
  w.pads_lo = {Dim(kernel / 2), Dim(kernel / 2)};
  w.groups = groups;
  Tensor x = s.Input(b, e.a, {1, size, size, in}, false), f = s.Input(b, e.b, {kernel, kernel, in / groups, out}, true);
  Tensor y = Conv(x, f, w, {Dim(kernel / 2), Dim(kernel / 2)}, e.acc);
  s.flops = 2.0 * static_cast<double>(NumElements(y.shape()).value() * (in / groups) * kernel * kernel);
  s.Finish(b, e, y, true, true);
  return s;
}

std::vector<Bench> AllBenches(const Elements& e) {
  std::vector<Bench> all;
  for (int64_t n : {128, 256, 512, 1024}) all.push_back(MatMulBench(e, n, n, n, true));
  for (int64_t n : {128, 512}) all.push_back(MatMulBench(e, n, n, n, false));
  for (auto [k, n] : {std::pair<int64_t, int64_t>{768, 768}, {768, 3072}, {3072, 768}}) {
    all.push_back(MatMulBench(e, 128, k, n, true));
    all.push_back(MatMulBench(e, 128, k, n, false));
    all.push_back(MatMulBench(e, 1, k, n, true));
  }
  for (int64_t n : {2048, 4096}) all.push_back(MatMulBench(e, 1, 4096, n, true));
  for (bool scores : {true, false}) all.push_back(AttentionBench(e, 128, scores));
  const std::vector<std::array<int64_t, 5>> convolutions = {
      {224, 3, 64, 7, 2},    {56, 64, 64, 1, 1},    {56, 64, 64, 3, 1},    {56, 64, 256, 1, 1},   {56, 256, 64, 1, 1},
      {56, 256, 128, 1, 1},  {56, 128, 128, 3, 2},  {28, 128, 512, 1, 1},  {56, 256, 512, 1, 2},  {28, 512, 128, 1, 1},
      {28, 128, 128, 3, 1},  {28, 256, 256, 3, 2},  {14, 256, 1024, 1, 1}, {14, 1024, 256, 1, 1}, {14, 256, 256, 3, 1},
      {14, 512, 512, 3, 2},  {7, 512, 2048, 1, 1},  {7, 2048, 512, 1, 1},  {7, 512, 512, 3, 1},   {112, 32, 16, 1, 1},
      {112, 16, 96, 1, 1},   {56, 24, 144, 1, 1},   {14, 384, 64, 1, 1},   {7, 320, 1280, 1, 1}};
  for (auto [size, in, out, kernel, stride] : convolutions) {
    all.push_back(ConvBench(e, size, in, out, kernel, stride, 1));
  }
  for (auto [size, channels, kernel, stride] : std::vector<std::array<int64_t, 4>>{
           {112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {56, 144, 3, 2}, {28, 192, 3, 1}, {14, 384, 3, 1},
           {14, 576, 3, 2}, {7, 960, 3, 1}, {28, 240, 5, 2}, {14, 480, 5, 1}}) {
    all.push_back(ConvBench(e, size, channels, channels, kernel, stride, channels));
  }
  return all;
}

}  // namespace
}  // namespace belay

int main(int argc, char** argv) {
  using namespace belay;
  const TargetRow* row = argc > 1 ? FindTargetRow(argv[1]) : &HostTargetRow();
  if (row == nullptr || !HostRuns(*row)) {
    std::fprintf(stderr, "this machine does not run the row '%s'\n", argv[1]);
    return 1;
  }
  const std::string dtype = argc > 2 ? argv[2] : "f32";
  Elements elements;
  if (dtype == "bf16") elements = {DType::kBF16, DType::kBF16, DType::kF32};
  if (dtype == "i8") elements = {DType::kU8, DType::kI8, DType::kI32};
  const auto peak = [&] { return PeakGops(*row, elements.b); };
  std::printf("row %s, %s, peak %.1f Gop/s on one thread\n", row->name, dtype.c_str(), peak());
  for (const Bench& bench : AllBenches(elements)) {
    if (argc <= 3 || bench.name.find(argv[3]) != std::string::npos) Run(bench, *row, peak);
  }
  return 0;
}
