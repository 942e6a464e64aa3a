// Kernels of the NEON row: generated here, linked with the cross compiler, run under qemu-user.
#include <filesystem>
#include <fstream>

#include "backend_loops/harness.h"

namespace belay {
namespace {

struct Case {
  std::string name;
  Fragment f;
  std::vector<LiteralPtr> inputs;
  Tolerance tolerance;
};

void AddCases(std::vector<std::unique_ptr<Case>>* cases) {
  std::mt19937 rng(1);
  auto add = [&](const std::string& name, Tolerance t, const std::function<Tensor(Fragment&)>& make,
                 double lo = -4, double hi = 4) {
    auto c = std::make_unique<Case>();
    c->name = name;
    c->tolerance = t;
    c->f.Output(make(c->f));
    c->inputs = RandomInputs(rng, c->f, lo, hi);
    cases->push_back(std::move(c));
  };
  add("bias and relu", {}, [](Fragment& f) {
    Dim rows = f.Symbol(9);
    return Max(f.Input(F, {rows, 37}) + f.Input(F, {37}), 0.0);
  });
  for (ScalarOp op : {ScalarOp::kExp, ScalarOp::kTanh, ScalarOp::kErf, ScalarOp::kSigmoid,
                      ScalarOp::kSin, ScalarOp::kAtan}) {
    add(
        ScalarOpName(op), {4, 0}, [&](Fragment& f) { return Map(op, f.Input(F, {203})); }, -12, 12);
  }
  add("softmax", {12, 1e-12}, [](Fragment& f) {
    Tensor x = f.Input(F, {5, 131});
    Tensor e = Exp(x - MaxOver(x, {1}));
    return e / Sum(e, {1});
  });
  add("transposed f16", {}, [](Fragment& f) {
    return Transpose(f.Input(DType::kF16, {33, 18}), {1, 0}) * 2.0;
  });
  add(
      "bf16 sum", {2, 0},
      [](Fragment& f) {
        return Sum(f.Input(DType::kBF16, {21, 19}), {0}, false);
      },
      0, 4);
  add(
      "u8 to f32", {}, [](Fragment& f) { return Cast(f.Input(DType::kU8, {77}), F) * (1.0 / 255); },
      0, 255);
  add("pad", {}, [](Fragment& f) {
    return Pad(f.Input(F, {4, 9}), {1, 2}, {0, 3}, f.b.Scalar(F, 1));
  });
  add("argmax", {}, [](Fragment& f) {
    return Reduce(ReduceKind::kArgMax, f.Input(F, {6, 53}), {1});
  });
  add("pool", {}, [](Fragment& f) {
    Window w;
    w.kernel = {3, 3};
    w.strides = {2, 2};
    w.dilations = {1, 1};
    w.pads_lo = {1, 1};
    return Pool(ReduceKind::kMax, f.Input(F, {1, 11, 9, 20}), w, {1, 1}, false);
  });
  add(
      "i64 division", {},
      [](Fragment& f) { return f.Input(DType::kI64, {40}) / f.Input(DType::kI64, {40}); }, -9, 9);
  add("matmul", {8, 1e-5}, [](Fragment& f) {
    return MatMul(f.Input(F, {7, 30}), f.Input(F, {30, 21}), F);
  });
  add(
      "cumsum", {2, 0},
      [](Fragment& f) {
        return Scan(ReduceKind::kSum, f.Input(F, {4, 21}), 1, false, false);
      },
      0, 4);
}

void Put(std::ofstream& out, int64_t v) { out.write(reinterpret_cast<const char*>(&v), sizeof v); }

void PutCase(std::ofstream& out, const Case& c, const KernelDraft& draft) {
  Put(out, draft.chunks.Evaluate(c.f.symbols));
  Put(out, static_cast<int64_t>(draft.params.size()));
  for (const Dim& d : draft.params) Put(out, d.Evaluate(c.f.symbols));
  Put(out, static_cast<int64_t>(c.inputs.size()) + 1);
  for (const LiteralPtr& in : c.inputs) Put(out, in->ByteSize());
  const TensorType& type = c.f.graph->outputs[0]->type;
  auto result = Literal::Allocate(type.dtype, EvaluateShape(type.shape, c.f.symbols));
  Put(out, result->ByteSize());
  for (const LiteralPtr& in : c.inputs) out.write(in->as<char>(), in->ByteSize());
  out.write(result->as<char>(), result->ByteSize());
}

TEST(Neon, KernelsUnderQemu) {
  if (std::system("which qemu-aarch64 aarch64-linux-gnu-g++-12 >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no cross compiler or no qemu-user on this machine";
  }
  const TargetRow& row = *FindTargetRow("neon");
  std::vector<std::unique_ptr<Case>> cases;
  AddCases(&cases);
  char folder[] = "/tmp/belay_neon_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::filesystem::path dir = folder;
  std::string objects, declarations, table;
  {
    std::ofstream data(dir / "in.bin", std::ios::binary);
    for (size_t k = 0; k < cases.size(); ++k) {
      SCOPED_TRACE(cases[k]->name);
      KernelSpec spec{cases[k]->f.graph, std::vector<bool>(cases[k]->inputs.size()),
                      cases[k]->name};
      KernelDraft draft;
      std::string symbol = fmt::format("k{}", k);
      auto object = EmitObject({&BuildLoops, &spec}, row, symbol, &draft);
      ASSERT_TRUE(object.ok()) << object.status().ToString();
      std::filesystem::path path = dir / (symbol + ".o");
      std::ofstream(path, std::ios::binary) << *object;
      objects += " " + path.string();
      declarations += fmt::format("void {}(const belay::KernelCall*, int64_t, int64_t);\n", symbol);
      table += symbol + ", ";
      PutCase(data, *cases[k], draft);
    }
    std::ofstream(dir / "table.cc")
        << "#include \"backend/backend.h\"\nextern \"C\" {\n"
        << declarations << "extern const belay::KernelFn kKernels[] = {" << table
        << "};\nextern const int kKernelCount = " << cases.size() << ";\n}\n";
  }
  std::string source = BELAY_SOURCE_DIR;
  std::string build = fmt::format(
      "aarch64-linux-gnu-g++-12 -std=c++20 -O1 -static -DFMT_HEADER_ONLY -I{0}/src "
      "{0}/tests/backend_loops/neon_driver.cc "
      "{0}/src/backend/cpu/run_support.cc {1}/table.cc {2} -o {1}/driver",
      source, dir.string(), objects);
  ASSERT_EQ(std::system(build.c_str()), 0);
  std::string run = fmt::format("qemu-aarch64 {0}/driver {0}/in.bin {0}/out.bin", dir.string());
  ASSERT_EQ(std::system(run.c_str()), 0);
  std::ifstream out(dir / "out.bin", std::ios::binary);
  for (const auto& c : cases) {
    SCOPED_TRACE(c->name);
    auto want = Interpret(*c->f.graph, c->inputs, c->f.symbols);
    ASSERT_TRUE(want.ok());
    auto got = Literal::Allocate((*want)[0]->dtype, (*want)[0]->dims);
    out.read(static_cast<char*>(got->mutable_data()), got->ByteSize());
    ASSERT_TRUE(out.good());
    EXPECT_TRUE(Close(*got, *(*want)[0], c->tolerance));
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace belay
