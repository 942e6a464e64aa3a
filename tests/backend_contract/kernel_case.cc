#include "backend_contract/kernel_case.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "backend/cpu/build_contract.h"
#include "graph/interpret.h"

namespace belay {
namespace {

// Bytes that end (or begin) at a page that must not be touched.
class Guarded {
 public:
  Guarded(int64_t bytes, bool at_end) {
    const size_t page = 4096, body = (static_cast<size_t>(bytes) + page - 1) / page * page;
    size_ = body + 2 * page;
    map_ = static_cast<char*>(mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (body != 0) mprotect(map_ + page, body, PROT_READ | PROT_WRITE);
    data_ = at_end ? map_ + page + body - bytes : map_ + page;
  }
  Guarded(Guarded&& o) noexcept : map_(o.map_), size_(o.size_), data_(o.data_) { o.map_ = nullptr; }
  Guarded(const Guarded&) = delete;
  ~Guarded() {
    if (map_ != nullptr) munmap(map_, size_);
  }
  char* data() const { return data_; }

 private:
  char* map_;
  size_t size_;
  char* data_;
};

std::vector<char> RunKernel(const CompiledKernel& kernel, const std::vector<LiteralPtr>& inputs, int64_t out_bytes,
                            const std::vector<int64_t>& symbols, bool at_end, int threads) {
  std::vector<Guarded> memory;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const PackRequest* pack = nullptr;
    for (const PackRequest& p : kernel.packs) {
      if (p.input == static_cast<int>(i)) pack = &p;
    }
    memory.emplace_back(pack != nullptr ? pack->bytes : inputs[i]->ByteSize(), at_end);
    if (pack != nullptr) {
      pack->pack(inputs[i]->data(), memory.back().data());
    } else if (inputs[i]->ByteSize() != 0) {
      std::memcpy(memory.back().data(), inputs[i]->data(), static_cast<size_t>(inputs[i]->ByteSize()));
    }
  }
  memory.emplace_back(out_bytes, at_end);
  if (out_bytes != 0) std::memset(memory.back().data(), 0x5a, static_cast<size_t>(out_bytes));
  std::vector<void*> buffers;
  for (const Guarded& g : memory) buffers.push_back(g.data());
  std::vector<int64_t> params;
  for (const Dim& d : kernel.params) params.push_back(d.Evaluate(symbols));
  RunError error;
  const KernelCall call{buffers.data(), params.data(), &error, kernel.closure};
  const int64_t chunks = kernel.chunks.Evaluate(symbols);
  if (threads == 1) {
    kernel.fn(&call, 0, chunks);
  } else {
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (int64_t c = chunks - 1 - t; c >= 0; c -= threads) kernel.fn(&call, c, c + 1);
      });
    }
    for (std::thread& w : workers) w.join();
  }
  EXPECT_EQ(error.set.load(), 0);
  return {memory.back().data(), memory.back().data() + out_bytes};
}

double UnitOf(DType d) {
  switch (d) {
    case DType::kF16: return 0x1p-10;
    case DType::kBF16: return 0x1p-7;
    case DType::kF64: return 0x1p-52;
    default: return 0x1p-23;
  }
}

void Compare(const std::vector<char>& bytes, const Literal& expected, DType acc, double depth, double largest) {
  Literal actual = expected;
  actual.address = bytes.data();
  actual.owner = nullptr;
  const std::vector<double> got = LiteralToDoubles(actual), want = LiteralToDoubles(expected);
  double scale = largest;
  for (double v : want) scale = std::max(scale, std::isfinite(v) ? std::fabs(v) : 0);
  double allowed = 0;
  if (IsFloat(acc)) allowed = (2 * std::sqrt(std::max(1.0, depth)) + 2) * UnitOf(acc) * scale;
  if (IsFloat(expected.dtype)) allowed += IsHalf(expected.dtype) ? UnitOf(expected.dtype) * scale : 0;
  int reported = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i]) && std::isnan(got[i])) continue;
    if (want[i] == got[i] || std::fabs(want[i] - got[i]) <= allowed) continue;
    ADD_FAILURE() << "element " << i << " is " << got[i] << ", not " << want[i] << ", allowed " << allowed;
    if (++reported == 3) return;
  }
}

}  // namespace

KernelCase::KernelCase(uint32_t seed) : random_(seed) {}

Dim KernelCase::Dynamic(int64_t value) {
  const int id = static_cast<int>(symbols_.size());
  symbols_.push_back(value);
  graph_->symbols.push_back({"s" + std::to_string(id), -1, -1, -1});
  return Dim::Symbol(id);
}

Tensor KernelCase::Input(DType dtype, const Shape& shape, bool constant) {
  std::vector<int64_t> dims;
  for (const Dim& d : shape) dims.push_back(d.Evaluate(symbols_));
  std::vector<double> values;
  std::uniform_real_distribution<double> uniform(-2, 2);
  std::uniform_int_distribution<int> integer(IsUnsignedInt(dtype) ? 0 : -100, 100);
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  for (int64_t i = 0; i < count; ++i) {
    double value = IsFloat(dtype) ? uniform(random_) : integer(random_);
    if (dtype == DType::kBool) value = value > 0;
    values.push_back(value);
  }
  values_.push_back(LiteralFromDoubles(dtype, dims, values));
  constant_.push_back(constant);
  return builder_.Wrap(graph_->AddInput(static_cast<int>(values_.size()) - 1, {dtype, shape}));
}

void KernelCase::Scale(int input, int64_t every, double factor) {
  LiteralPtr& value = values_[static_cast<size_t>(input)];
  std::vector<double> elements = LiteralToDoubles(*value);
  for (size_t i = 0; i < elements.size(); i += static_cast<size_t>(every)) elements[i] *= factor;
  value = LiteralFromDoubles(value->dtype, value->dims, elements);
  reference_.reset();
}

const KernelCase::Reference& KernelCase::Expected() {
  if (reference_) return *reference_;
  reference_.emplace();
  auto copy = RewriteGraph(*graph_, [](Graph&, const Node&, const auto&) -> Node* { return nullptr; });
  for (const auto& n : copy->nodes()) {
    if (n->op != Op::kContract && n->op != Op::kConv) continue;
    copy->outputs = {copy->outputs[0], n.get()};
    reference_->sums = n->type.dtype;
  }
  auto results = Interpret(*copy, values_, symbols_);
  EXPECT_TRUE(results.ok()) << results.status().ToString();
  if (!results.ok()) return *reference_;
  reference_->result = (*results)[0];
  for (double v : LiteralToDoubles(*results->back())) {
    reference_->largest_sum = std::max(reference_->largest_sum, std::fabs(v));
  }
  return *reference_;
}

KernelSpec KernelCase::Spec() const { return {graph_, constant_, "case"}; }

std::string KernelCase::CheckRow(const TargetRow& row, double depth) {
  const KernelSpec spec = Spec();
  EXPECT_TRUE(CanBuildContract(spec)) << PrintGraph(*graph_);
  auto kernels = CompileJobs({{&BuildContract, &spec}}, row);
  EXPECT_TRUE(kernels.ok()) << row.name << ": " << kernels.status().ToString();
  if (!kernels.ok()) return "";
  const CompiledKernel& kernel = (*kernels)[0];
  const Reference& expected = Expected();
  if (!expected.result) return "";
  const Literal& want = *expected.result;
  const auto end = RunKernel(kernel, values_, want.ByteSize(), symbols_, true, 1);
  const auto start = RunKernel(kernel, values_, want.ByteSize(), symbols_, false, 2);
  EXPECT_EQ(end, start) << "other bytes with two threads: " << row.name << " " << kernel.about;
  Compare(end, want, expected.sums, depth, expected.largest_sum);
  if (::testing::Test::HasFailure()) {
    ADD_FAILURE() << row.name << ": " << kernel.about << "\n" << PrintGraph(*graph_);
  }
  return kernel.about;
}

double KernelCase::LargestDifference(const TargetRow& row) {
  const KernelSpec spec = Spec();
  auto kernels = CompileJobs({{&BuildContract, &spec}}, row);
  EXPECT_TRUE(kernels.ok());
  if (!kernels.ok() || !Expected().result) return HUGE_VAL;
  const Literal& want = *Expected().result;
  const auto bytes = RunKernel((*kernels)[0], values_, want.ByteSize(), symbols_, true, 1);
  Literal got = want;
  got.address = bytes.data();
  got.owner = nullptr;
  const std::vector<double> x = LiteralToDoubles(got), y = LiteralToDoubles(want);
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::fabs(x[i] - y[i]));
  return largest;
}

// Rows that differ in what the case's dtypes can use.
std::vector<const TargetRow*> KernelCase::Rows() const {
  bool halves = false, bytes = false;
  for (const LiteralPtr& value : values_) {
    halves = halves || IsHalf(value->dtype);
    bytes = bytes || value->dtype == DType::kI8 || value->dtype == DType::kU8;
  }
  std::set<std::array<int, 4>> seen;
  std::vector<const TargetRow*> rows;
  for (const TargetRow& row : TargetRows()) {
    if (!HostRuns(row)) continue;
    const bool tiles = row.amx && (halves || bytes);
    if (seen.insert({row.vector_bytes, halves && row.bf16_dot, bytes && row.int8_dot, tiles}).second) {
      rows.push_back(&row);
    }
  }
  return rows;
}

void KernelCase::Check(double depth) {
  for (const TargetRow* row : Rows()) CheckRow(*row, depth);
  KernelDraft draft;
  const KernelSpec spec = Spec();
  auto object = EmitObject({&BuildContract, &spec}, *FindTargetRow("neon"), "kernel", &draft);
  EXPECT_TRUE(object.ok()) << object.status().ToString();
}

}  // namespace belay
