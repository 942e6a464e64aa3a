// Compiles a fragment for a row, runs it on buffers between inaccessible pages, compares with
// Interpret.
#pragma once
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "backend/cpu/build_jit.h"
#include "backend/cpu/build_loops.h"
#include "graph/builder.h"
#include "graph/interpret.h"

namespace belay {

inline constexpr DType F = DType::kF32;

// A block whose last byte (or first) lies next to an inaccessible page.
class GuardedBlock {
 public:
  GuardedBlock(int64_t bytes, bool at_end) : bytes_(bytes) {
    size_t page = 4096;
    inner_ = (static_cast<size_t>(bytes) + page - 1) / page * page;
    if (inner_ == 0) inner_ = page;
    map_ = static_cast<char*>(
        mmap(nullptr, inner_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(map_ + page, inner_, PROT_READ | PROT_WRITE);
    std::memset(map_ + page, 0x5a, inner_);
    data_ = at_end ? map_ + page + inner_ - bytes : map_ + page;
  }
  ~GuardedBlock() { munmap(map_, inner_ + 2 * 4096); }
  GuardedBlock(const GuardedBlock&) = delete;
  void* data() { return data_; }
  int64_t bytes() const { return bytes_; }
  // True when nothing outside [data, data + bytes) of the open pages changed.
  bool MarginsIntact() const {
    for (char* p = map_ + 4096; p < map_ + 4096 + inner_; ++p) {
      if ((p < data_ || p >= data_ + bytes_) && *p != 0x5a) return false;
    }
    return true;
  }

 private:
  int64_t bytes_;
  size_t inner_;
  char* map_;
  char* data_;
};

struct Tolerance {
  double ulps = 0;  // of the result's dtype
  double absolute = 0;
};

inline double UnitInLastPlace(DType d, double v) {
  int digits = d == DType::kF64 ? 53 : d == DType::kF32 ? 24 : d == DType::kF16 ? 11 : 8;
  int lowest = d == DType::kF64 ? -1074 : d == DType::kF32 ? -149 : d == DType::kF16 ? -24 : -133;
  if (v == 0 || !std::isfinite(v)) return std::ldexp(1.0, lowest);
  return std::ldexp(1.0, std::max(std::ilogb(v) - digits + 1, lowest));
}

inline testing::AssertionResult Close(const Literal& got, const Literal& want, Tolerance t) {
  if (got.dtype != want.dtype || got.dims != want.dims)
    return testing::AssertionFailure() << "another type";
  if (!IsFloat(got.dtype)) {
    if (std::memcmp(got.data(), want.data(), got.ByteSize()) == 0) return testing::AssertionSuccess();
    const std::vector<int64_t> a = LiteralToInts(got), b = LiteralToInts(want);
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin());
    if (x == a.end()) return testing::AssertionFailure() << "bytes differ";
    return testing::AssertionFailure() << "element " << x - a.begin() << ": " << *x << ", want " << *y;
  }
  std::vector<double> a = LiteralToDoubles(got), b = LiteralToDoubles(want);
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    double limit = t.absolute + t.ulps * UnitInLastPlace(got.dtype, b[i]);
    double error = std::fabs(a[i] - b[i]);
    if (!(error <= limit)) {
      return testing::AssertionFailure()
             << fmt::format("element {}: {:.9g}, want {:.9g}, error {:.3g} ulp", i, a[i], b[i],
                            error / UnitInLastPlace(got.dtype, b[i]));
    }
  }
  return testing::AssertionSuccess();
}

// Rows that make other loops; one of them where bf16 is rounded.
inline std::vector<const TargetRow*> RunnableRows(bool rounds_bf16 = false) {
  std::vector<const TargetRow*> rows;
  for (const TargetRow& row : TargetRows()) {
    const std::string name = row.name;
    const bool differs = name == "sse" || name == "avx2" || name == "avx512" || (rounds_bf16 && name == "avx512_bf16");
    if (differs && HostRuns(row)) rows.push_back(&row);
  }
  return rows;
}

inline std::vector<int64_t> EvaluateShape(const Shape& shape, const std::vector<int64_t>& symbols) {
  std::vector<int64_t> dims;
  for (const Dim& d : shape) dims.push_back(d.Evaluate(symbols));
  return dims;
}

class Fragment {
 public:
  Fragment() : graph(std::make_shared<Graph>()), b(graph.get()) {}
  Tensor Input(DType dtype, Shape shape) {
    return b.Wrap(
        graph->AddInput(static_cast<int>(graph->inputs.size()), {dtype, std::move(shape)}));
  }
  // An extent that is known at run time only.
  Dim Symbol(int64_t value) {
    int id = static_cast<int>(graph->symbols.size());
    graph->symbols.push_back({"s", -1, -1, -1});
    symbols.push_back(value);
    return Dim::Symbol(id);
  }
  void Output(const Tensor& t) { graph->outputs = {t.node()}; }

  std::shared_ptr<Graph> graph;
  Builder b;
  std::vector<int64_t> symbols;
};

inline LiteralPtr RunCompiled(const CompiledKernel& kernel, const Fragment& f,
                              const std::vector<LiteralPtr>& inputs, bool at_end,
                              int64_t chunk_step, RunError* error) {
  std::vector<std::unique_ptr<GuardedBlock>> blocks;
  std::vector<void*> buffers;
  for (const LiteralPtr& in : inputs) {
    blocks.push_back(std::make_unique<GuardedBlock>(in->ByteSize(), at_end));
    if (in->ByteSize()) std::memcpy(blocks.back()->data(), in->data(), in->ByteSize());
    buffers.push_back(blocks.back()->data());
  }
  const TensorType& type = f.graph->outputs[0]->type;
  auto out = Literal::Allocate(type.dtype, EvaluateShape(type.shape, f.symbols));
  blocks.push_back(std::make_unique<GuardedBlock>(out->ByteSize(), at_end));
  buffers.push_back(blocks.back()->data());
  std::vector<int64_t> params;
  for (const Dim& d : kernel.params) params.push_back(d.Evaluate(f.symbols));
  KernelCall call{buffers.data(), params.data(), error, kernel.closure};
  int64_t chunks = kernel.chunks.Evaluate(f.symbols);
  for (int64_t c = 0; c < chunks; c += chunk_step)
    kernel.fn(&call, c, std::min(chunks, c + chunk_step));
  for (auto& block : blocks) EXPECT_TRUE(block->MarginsIntact());
  if (out->ByteSize()) std::memcpy(out->mutable_data(), buffers.back(), out->ByteSize());
  return out;
}

inline std::string g_only_row;  // empty: all

// Runs `f` on every row, from both ends, whole and chunk by chunk.
inline void Check(const Fragment& f, const std::vector<LiteralPtr>& inputs, Tolerance t = {}) {
  auto want = Interpret(*f.graph, inputs, f.symbols);
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  KernelSpec spec{f.graph, std::vector<bool>(inputs.size()), "test"};
  const bool rounds = std::any_of(f.graph->nodes().begin(), f.graph->nodes().end(),
                                  [](const auto& node) { return node->type.dtype == DType::kBF16; });
  for (const TargetRow* row : RunnableRows(rounds)) {
    if (!g_only_row.empty() && g_only_row != row->name) continue;
    SCOPED_TRACE(row->name);
    auto kernels = CompileJobs({{&BuildLoops, &spec}}, *row);
    ASSERT_TRUE(kernels.ok()) << kernels.status().ToString();
    LiteralPtr first;
    for (int mode = 0; mode < 3; ++mode) {
      RunError error;
      LiteralPtr got = RunCompiled((*kernels)[0], f, inputs, mode != 1,
                                   mode == 2 ? 1 : int64_t{1} << 60, &error);
      ASSERT_EQ(error.set.load(), 0);
      ASSERT_TRUE(Close(*got, *(*want)[0], t)) << (*kernels)[0].about;
      if (first) {
        ASSERT_EQ(std::memcmp(first->data(), got->data(), got->ByteSize()), 0)
            << "chunks change the bytes";
      }
      first = got;
    }
  }
}

// Random contents; floats in [lo, hi], integers too.
inline LiteralPtr RandomLiteral(std::mt19937& rng, DType dtype, std::vector<int64_t> dims,
                                double lo = -4, double hi = 4) {
  auto shape = Literal::Allocate(dtype, dims);
  std::vector<double> values(shape->NumElements());
  std::uniform_real_distribution<double> d(lo, hi);
  for (double& v : values) v = IsFloat(dtype) ? d(rng) : std::floor(d(rng));
  if (dtype == DType::kBool) {
    for (double& v : values) v = rng() & 1;
  }
  return LiteralFromDoubles(dtype, dims, values);
}

inline std::vector<LiteralPtr> RandomInputs(std::mt19937& rng, const Fragment& f, double lo = -4,
                                            double hi = 4) {
  std::vector<LiteralPtr> inputs;
  for (const Node* in : f.graph->inputs) {
    inputs.push_back(
        RandomLiteral(rng, in->type.dtype, EvaluateShape(in->shape(), f.symbols), lo, hi));
  }
  return inputs;
}

}  // namespace belay
