// Matrix kernels of the NEON row: generated here, linked with the cross compiler, run under qemu-user by the
// driver of tests/backend_loops.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "backend/cpu/build_contract.h"
#include "backend_contract/kernel_case.h"
#include "graph/interpret.h"

namespace belay {
namespace {

Tensor MakeConv(KernelCase& c, const Shape& x, const Shape& w, int64_t stride, int64_t groups) {
  Window window;
  window.kernel = {w[0].value(), w[1].value()};
  window.strides = {stride, stride};
  window.dilations = {1, 1};
  window.pads_lo = {1, 1};
  window.groups = groups;
  Tensor image = c.Input(DType::kF32, x), filter = c.Input(DType::kF32, w, true);
  return Conv(image, filter, window, {1, 1}, DType::kF32);
}

std::vector<std::unique_ptr<KernelCase>> MakeCases() {
  std::vector<std::unique_ptr<KernelCase>> cases;
  const auto add = [&](const std::function<Tensor(KernelCase&)>& make) {
    cases.push_back(std::make_unique<KernelCase>(static_cast<uint32_t>(cases.size()) + 1));
    cases.back()->Output(make(*cases.back()));
  };
  for (bool constant : {true, false}) {
    add([&](KernelCase& c) {
      Tensor a = c.Input(DType::kF32, {c.Dynamic(21), 50}), b = c.Input(DType::kF32, {50, 37}, constant);
      return Max(MatMul(a, b, DType::kF32) + c.Input(DType::kF32, {37}), 0.0);
    });
    add([&](KernelCase& c) {
      Tensor a = c.Input(DType::kF32, {2, 9, 33}), b = Transpose(c.Input(DType::kF32, {19, 33}, constant), {1, 0});
      return MatMul(a, b, DType::kF32);
    });
  }
  add([](KernelCase& c) {
    return MatMul(c.Input(DType::kU8, {9, 40}), c.Input(DType::kI8, {40, 13}, true), DType::kI32);
  });
  add([](KernelCase& c) { return Max(MakeConv(c, {1, 9, 8, 3}, {3, 3, 3, 20}, 2, 1), 0.0); });
  add([](KernelCase& c) { return MakeConv(c, {2, 7, 6, 16}, {3, 3, 16, 21}, 1, 1); });
  add([](KernelCase& c) { return MakeConv(c, {1, 11, 9, 20}, {3, 3, 20, 24}, 1, 1); });  // transformed tiles
  add([](KernelCase& c) { return MakeConv(c, {1, 7, 9, 18}, {3, 3, 1, 18}, 1, 18); });
  return cases;
}

void Put(std::ofstream& out, int64_t v) { out.write(reinterpret_cast<const char*>(&v), sizeof v); }

// Chunks, parameters, buffer sizes, then the buffers: packed constants as the kernel wants them.
void PutCase(std::ofstream& out, const KernelCase& c, const KernelDraft& draft, int64_t result_bytes) {
  Put(out, draft.chunks.Evaluate(c.symbols()));
  Put(out, static_cast<int64_t>(draft.params.size()));
  for (const Dim& d : draft.params) Put(out, d.Evaluate(c.symbols()));
  std::vector<std::vector<char>> buffers;
  for (const LiteralPtr& in : c.values()) buffers.emplace_back(in->as<char>(), in->as<char>() + in->ByteSize());
  for (const PackRequest& pack : draft.packs) {
    buffers[static_cast<size_t>(pack.input)].resize(static_cast<size_t>(pack.bytes));
    pack.pack(c.values()[static_cast<size_t>(pack.input)]->data(), buffers[static_cast<size_t>(pack.input)].data());
  }
  buffers.emplace_back(static_cast<size_t>(result_bytes));
  Put(out, static_cast<int64_t>(buffers.size()));
  for (const auto& b : buffers) Put(out, static_cast<int64_t>(b.size()));
  for (const auto& b : buffers) out.write(b.data(), static_cast<std::streamsize>(b.size()));
}

TEST(Neon, KernelsUnderQemu) {
  if (std::system("which qemu-aarch64 aarch64-linux-gnu-g++-12 >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no cross compiler or no qemu-user on this machine";
  }
  const auto cases = MakeCases();
  char folder[] = "/tmp/belay_neon_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::filesystem::path dir = folder;
  std::string objects, declarations, table;
  std::vector<LiteralPtr> expected;
  {
    std::ofstream data(dir / "in.bin", std::ios::binary);
    for (size_t k = 0; k < cases.size(); ++k) {
      const KernelSpec spec = cases[k]->Spec();
      auto want = Interpret(*spec.fragment, cases[k]->values(), cases[k]->symbols());
      ASSERT_TRUE(want.ok()) << want.status().ToString();
      expected.push_back((*want)[0]);
      KernelDraft draft;
      const std::string symbol = fmt::format("k{}", k);
      auto object = EmitObject({&BuildContract, &spec}, *FindTargetRow("neon"), symbol, &draft);
      ASSERT_TRUE(object.ok()) << object.status().ToString();
      const std::filesystem::path path = dir / (symbol + ".o");
      std::ofstream(path, std::ios::binary) << *object;
      objects += " " + path.string();
      declarations += fmt::format("void {}(const belay::KernelCall*, int64_t, int64_t);\n", symbol);
      table += symbol + ", ";
      PutCase(data, *cases[k], draft, expected.back()->ByteSize());
    }
    std::ofstream(dir / "table.cc") << "#include \"backend/backend.h\"\nextern \"C\" {\n" << declarations
                                    << "extern const belay::KernelFn kKernels[] = {" << table
                                    << "};\nextern const int kKernelCount = " << cases.size() << ";\n}\n";
  }
  const std::string build = fmt::format(
      "aarch64-linux-gnu-g++-12 -std=c++20 -O1 -static -DFMT_HEADER_ONLY -I{0}/src "
      "{0}/tests/backend_loops/neon_driver.cc {0}/src/backend/cpu/run_support.cc {1}/table.cc {2} -o {1}/driver",
      BELAY_SOURCE_DIR, dir.string(), objects);
  ASSERT_EQ(std::system(build.c_str()), 0);
  ASSERT_EQ(std::system(fmt::format("qemu-aarch64 {0}/driver {0}/in.bin {0}/out.bin", dir.string()).c_str()), 0);
  std::ifstream out(dir / "out.bin", std::ios::binary);
  for (size_t k = 0; k < cases.size(); ++k) {
    SCOPED_TRACE(k);
    const Literal& want = *expected[k];
    auto got = Literal::Allocate(want.dtype, want.dims);
    out.read(static_cast<char*>(got->mutable_data()), got->ByteSize());
    ASSERT_TRUE(out.good());
    const std::vector<double> x = LiteralToDoubles(*got), y = LiteralToDoubles(want);
    double scale = 0;
    for (double v : y) scale = std::max(scale, std::fabs(v));
    constexpr double kDeepest = 144;  // products in one sum
    const double allowed = IsFloat(want.dtype) ? 2 * std::sqrt(kDeepest) * 0x1p-23 * scale : 0;
    for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(x[i], y[i], allowed) << "element " << i;
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace belay
