// Matrix kernels on the shapes of real networks: 1e9 operations a second on one thread and the share of the machine's
// measured peak for such operands, with constants in the caches and without; for products of one row, the share of the
// rate at which memory is read. Where the project's plan names a percentage, it is printed beside the figure.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>
#include <tuple>

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
  double gate = 0;        // percent; 0: none
  bool one_row = false;   // the percentage is that of reading
  bool depthwise = false;
  bool direct = false;    // sums as the definition has them
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::vector<bool> constant;
  std::vector<int64_t> sizes;  // in bytes
  int64_t result_bytes = 0;

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
    result_bytes = ByteSize(e.a, NumElements(y.shape()).value());
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

struct Gates {
  int known = 0, reached = 0;

  const char* Judge(const Bench& bench, double percent) {
    if (bench.gate == 0) return "";
    ++known;
    if (percent < bench.gate) return "below";
    ++reached;
    return "reached";
  }
};

struct Figures {
  double seconds = 0, percent = 0;
  double cold = 0, cold_percent = 0;  // 0: no constants
  double judged = 0;                  // the percentage that a gate is about
};

class Measurement {
 public:
  Measurement(const Bench& bench, const CompiledKernel& kernel, std::function<double()> peak)
      : bench_(bench), kernel_(kernel), peak_(std::move(peak)) {
    for (size_t i = 0; i < bench.sizes.size(); ++i) {
      arenas_.emplace_back(bench.sizes[i]);
      for (const PackRequest& pack : kernel.packs) {
        if (pack.input != static_cast<int>(i)) continue;
        Arena packed(pack.bytes);
        pack.pack(arenas_.back().data, packed.data);
        std::swap(arenas_.back().data, packed.data);
      }
    }
    arenas_.emplace_back(bench.result_bytes);
    for (const Arena& a : arenas_) buffers_.push_back(a.data);
    for (const Dim& d : kernel.params) params_.push_back(d.Evaluate(std::vector<int64_t>{}));
  }

  Figures Measure() {
    RunError error;
    const KernelCall call{buffers_.data(), params_.data(), &error, kernel_.closure};
    const int64_t chunks = kernel_.chunks.Evaluate(std::vector<int64_t>{});
    Figures figures;
    std::tie(figures.seconds, figures.percent) =
        InTurnsWithPeak([&] { kernel_.fn(&call, 0, chunks); }, bench_.flops, peak_);
    figures.judged = figures.percent;
    const auto run_cold = [&] { return TimeCold(kernel_, call, buffers_, bench_); };
    const Cold cold = run_cold();
    if (cold.bytes == 0) return figures;
    figures.cold = cold.seconds;
    figures.cold_percent = 100 * bench_.flops * 1e-9 / peak_() / cold.seconds;
    if (bench_.one_row) figures.cold_percent = ShareOfReading(run_cold);
    if (bench_.one_row) figures.judged = figures.cold_percent;
    return figures;
  }

  // A neighbour on the same core takes a quarter of all kernels' speed, not of the peak's, for a second or so: where a
  // gate is missed, the best of three.
  Figures MeasureForGate() {
    constexpr int kTries = 3;
    Figures best = Measure();
    for (int i = 1; i < kTries && best.judged < bench_.gate; ++i) {
      const Figures again = Measure();
      if (again.judged > best.judged) best = again;
    }
    return best;
  }

 private:
  const Bench& bench_;
  const CompiledKernel& kernel_;
  std::function<double()> peak_;
  std::vector<Arena> arenas_;
  std::vector<void*> buffers_;
  std::vector<int64_t> params_;
};

void Print(const Bench& bench, const CompiledKernel& kernel, const Figures& figures, const char* verdict,
           double compile_ms) {
  std::printf("%-28s %8.1f us %7.1f Gop/s %5.1f %%", bench.name.c_str(), figures.seconds * 1e6,
              bench.flops / figures.seconds * 1e-9, figures.percent);
  if (figures.cold > 0) {
    std::printf("  cold %8.1f us %5.1f %%%s", figures.cold * 1e6, figures.cold_percent,
                bench.one_row ? " of reading" : "");
  }
  if (bench.gate > 0) std::printf("  gate %2.0f %% %-7s", bench.gate, verdict);
  const int64_t chunks = kernel.chunks.Evaluate(std::vector<int64_t>{});
  std::printf("  %ld chunks (est %.1f us) compiled %.0f ms  %s", static_cast<long>(chunks),
              kernel.ns_per_chunk * static_cast<double>(chunks) * 1e-3, compile_ms, kernel.about.c_str());
}

void Run(const Bench& bench, const TargetRow& row, const std::function<double()>& peak, Gates* gates) {
  KernelSpec spec{bench.graph, bench.constant, "bench"};
  spec.plain_sums = bench.direct;
  const double start = Now();
  auto kernels = CompileJobs({{&BuildContract, &spec}}, row);
  const double compile_ms = (Now() - start) * 1e3;
  if (!kernels.ok()) {
    std::printf("%-28s %s %s\n", bench.name.c_str(), kernels.status().ToString().c_str(), gates->Judge(bench, 0));
    return;
  }
  const CompiledKernel& kernel = (*kernels)[0];
  const Figures figures = Measurement(bench, kernel, peak).MeasureForGate();
  Print(bench, kernel, figures, gates->Judge(bench, figures.judged), compile_ms);
  if (bench.depthwise) {  // which are bound by their maps, too
    const double copying = CopySeconds((bench.sizes[0] + bench.result_bytes) / 2);
    std::printf(", copying alone %.1f us, %.1f %%", copying * 1e6, 100 * bench.flops * 1e-9 / copying / peak());
  }
  std::printf("\n");
  std::fflush(stdout);
}

Bench MatMulBench(const Elements& e, int64_t m, int64_t k, int64_t n, bool constant) {
  Bench s;
  s.name = fmt::format("matmul {}x{}x{}{}", m, k, n, constant ? "" : " input");
  s.flops = 2.0 * static_cast<double>(m * k * n);
  s.one_row = m == 1;
  if (constant) s.gate = s.one_row ? 85 : 92;
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
  s.depthwise = groups > 1;
  if (s.depthwise) s.gate = 60;
  if (!s.depthwise && kernel <= 3 && std::min(in, out) >= 64) s.gate = 90;
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
    if (e.a != DType::kF32 || kernel != 3 || stride != 1) continue;
    all.back().gate = 0;  // a faster algorithm, measured by the definition's products
    all.push_back(ConvBench(e, size, in, out, kernel, stride, 1));
    all.back().direct = true;
    all.back().name += " direct";
  }
  for (auto [size, channels, kernel, stride] : std::vector<std::array<int64_t, 4>>{
           {112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {56, 144, 3, 2}, {28, 192, 3, 1}, {14, 384, 3, 1},
           {14, 576, 3, 2}, {7, 960, 3, 1}, {28, 240, 5, 2}, {14, 480, 5, 1}}) {
    all.push_back(ConvBench(e, size, channels, channels, kernel, stride, channels));
  }
  return all;
}

// Pairs that have an instruction of their own: any other runs as a row further up, or widens its operands first.
bool HasOwnInstruction(const TargetRow& row, DType element) {
  const std::string name = row.name;
  if (element == DType::kF32) return name == "avx2" || name == "avx512" || name == "neon";
  if (element == DType::kBF16) return row.bf16_dot;
  return row.int8_dot && (row.amx || name.find("vnni") != std::string::npos);
}

Elements ElementsOf(const std::string& dtype) {
  if (dtype == "bf16") return {DType::kBF16, DType::kBF16, DType::kF32};
  if (dtype == "i8") return {DType::kU8, DType::kI8, DType::kI32};
  return {};
}

struct Flags {
  std::string rows = HostTargetRow().name, dtypes = "f32", filter;
  bool gate = false;
};

// Names with commas between.
std::vector<std::string> Split(const std::string& names) {
  std::vector<std::string> parts;
  std::istringstream in(names);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

bool Names(const std::string& names, const std::string& name) {
  const std::vector<std::string> parts = Split(names);
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

void RunRow(const TargetRow& row, const std::string& dtype, const std::string& filter, Gates* gates) {
  const Elements elements = ElementsOf(dtype);
  const auto peak = [&] { return PeakGops(row, elements.b); };
  // A filter of one channel has no neighbours that instructions for pairs or fours could sum.
  const auto depthwise_peak = [&] { return PeakGops(row, DType::kF32); };
  std::printf("row %s, %s, peak %.1f Gop/s on one thread, depthwise %.1f\n", row.name, dtype.c_str(), peak(),
              depthwise_peak());
  for (const Bench& bench : AllBenches(elements)) {
    if (bench.name.find(filter) == std::string::npos) continue;
    Run(bench, row, bench.depthwise ? std::function<double()>(depthwise_peak) : peak, gates);
  }
}

int RunAll(const Flags& flags) {
  const bool all_rows = Names(flags.rows, "all"), all_dtypes = Names(flags.dtypes, "all");
  Gates gates;
  for (const TargetRow& row : TargetRows()) {
    if (!HostRuns(row) || !(all_rows || Names(flags.rows, row.name))) continue;
    for (const std::string dtype : {"f32", "bf16", "i8"}) {
      if (!all_dtypes && !Names(flags.dtypes, dtype)) continue;
      if ((all_rows || all_dtypes) && !HasOwnInstruction(row, ElementsOf(dtype).b)) continue;
      RunRow(row, dtype, flags.filter, &gates);
    }
  }
  std::printf("%d of %d gates reached\n", gates.reached, gates.known);
  return flags.gate && gates.reached < gates.known ? 1 : 0;
}

// What is wrong with the names, if anything.
std::string CheckRows(const std::string& names) {
  for (const std::string& name : Split(names)) {
    const TargetRow* row = FindTargetRow(name);
    if (name != "all" && (row == nullptr || !HostRuns(*row))) return "this machine does not run the row '" + name + "'";
  }
  return "";
}

std::string CheckDtypes(const std::string& names) {
  for (const std::string& name : Split(names)) {
    if (name != "f32" && name != "bf16" && name != "i8" && name != "all") return "no dtype '" + name + "' here";
  }
  return "";
}

}  // namespace
}  // namespace belay

int main(int argc, char** argv) {
  using namespace belay;
  Flags flags;
  CLI::App app("kernels by percentage of the machine's own peak, on one thread");
  app.add_option("rows", flags.rows, "rows of the target table with commas between, or all that this machine runs")
      ->check(CheckRows)->capture_default_str();
  app.add_option("dtypes", flags.dtypes, "f32, bf16, i8 with commas between, or all that a row has instructions for")
      ->check(CheckDtypes)->capture_default_str();
  app.add_option("filter", flags.filter, "a substring of the shape's name");
  app.add_flag("--gate", flags.gate, "the exit status is 1 if a gate is missed");
  CLI11_PARSE(app, argc, argv);
  return RunAll(flags);
}
