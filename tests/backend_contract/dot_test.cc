// Products of bytes and of bf16: every form of every row, with words that the depth does not fill.
#include <gtest/gtest.h>

#include "backend_contract/kernel_case.h"

namespace belay {
namespace {

struct Types {
  DType a, b, acc;
};
constexpr Types kTypes[] = {{DType::kBF16, DType::kBF16, DType::kF32}, {DType::kU8, DType::kI8, DType::kI32},
                            {DType::kI8, DType::kI8, DType::kI32},     {DType::kI8, DType::kU8, DType::kI32},
                            {DType::kU8, DType::kU8, DType::kI32}};

std::string Name(const Types& t) {
  return fmt::format("{} {} {}", DTypeName(t.a), DTypeName(t.b), DTypeName(t.acc));
}

TEST(Dot, Forms) {
  struct Form {
    const char* row;
    Types types;
    const char* about;
    int64_t k = 64;
  };
  constexpr int64_t kFew = 32;  // products for which bytes in vectors are better than tiles
  for (const Form& form : {Form{"avx512_bf16", kTypes[0], "bf16 pairs"}, Form{"avx512", kTypes[0], "multiply-add"},
                           Form{"avx512_vnni", kTypes[1], "of bytes"}, Form{"avx2_vnni", kTypes[1], "of bytes"},
                           Form{"avx512_vnni", kTypes[2], "signed bytes"}, Form{"avx512_vnni", kTypes[3], "of bytes"},
                           Form{"avx512_vnni", kTypes[4], "i16 pairs"}, Form{"avx2", kTypes[1], "i16 pairs"},
                           Form{"sse", kTypes[2], "i16 pairs"}, Form{"amx", kTypes[0], "bf16 tiles"},
                           Form{"amx", kTypes[1], "byte tiles"}, Form{"amx", kTypes[4], "byte tiles"},
                           Form{"amx", kTypes[1], "of bytes", kFew}, Form{"amx", kTypes[4], "byte tiles", kFew}}) {
    const TargetRow* row = FindTargetRow(form.row);
    if (!HostRuns(*row)) continue;
    KernelCase c(1);
    c.Output(MatMul(c.Input(form.types.a, {9, form.k}), c.Input(form.types.b, {form.k, 33}, true), form.types.acc));
    const std::string about = c.CheckRow(*row, static_cast<double>(form.k));
    EXPECT_NE(about.find(form.about), std::string::npos) << form.row << " " << Name(form.types) << ": " << about;
  }
}

TEST(Dot, DepthsAndTails) {
  uint32_t seed = 1;
  for (const Types& t : kTypes) {
    SCOPED_TRACE(Name(t));
    for (auto [m, k, n] : std::vector<std::array<int64_t, 3>>{
             {1, 1, 1}, {5, 3, 7}, {33, 66, 65}, {17, 95, 20}, {70, 128, 96}}) {
      for (bool constant : {true, false}) {
        for (bool turned : {false, true}) {
          KernelCase c(seed++);
          Tensor b = c.Input(t.b, turned ? Shape{n, k} : Shape{k, n}, constant);
          c.Output(MatMul(c.Input(t.a, {m, k}), turned ? Transpose(b, {1, 0}) : b, t.acc));
          c.Check(static_cast<double>(k));
        }
      }
    }
  }
}

TEST(Dot, DynamicAndBatched) {
  for (const Types& t : kTypes) {
    SCOPED_TRACE(Name(t));
    for (int64_t s : {1, 7, 66}) {
      KernelCase c(11);
      const Dim m = c.Dynamic(s), k = c.Dynamic(s + 3), n = c.Dynamic(2 * s);
      c.Output(MatMul(c.Input(t.a, {2, m, k}), c.Input(t.b, {2, k, n}), t.acc));
      c.Check(static_cast<double>(s + 3));
      KernelCase turned(12);
      (void)turned.Dynamic(s);
      Tensor b = Transpose(turned.Input(t.b, {3, m, 44}), {0, 2, 1});
      turned.Output(MatMul(turned.Input(t.a, {3, m, 44}), b, t.acc));
      turned.Check(44);
    }
    KernelCase weights(13);
    Tensor b = weights.Input(t.b, {2, 40, 50}, true);
    weights.Output(MatMul(weights.Input(t.a, {2, 12, 40}), b, t.acc));
    weights.Check(40);
  }
}

// Sums in several blocks of k.
TEST(Dot, Deep) {
  for (const Types& t : kTypes) {
    SCOPED_TRACE(Name(t));
    for (bool constant : {true, false}) {
      KernelCase c(14);
      c.Output(MatMul(c.Input(t.a, {40, 9003}), c.Input(t.b, {9003, 70}, constant), t.acc));
      c.Check(9003);
    }
  }
}

TEST(Dot, TurnedLeft) {
  for (const Types& t : kTypes) {
    KernelCase c(15);
    c.Output(MatMul(Transpose(c.Input(t.a, {45, 21}), {1, 0}), c.Input(t.b, {45, 30}, true), t.acc));
    c.Check(45);
  }
}

TEST(Dot, Epilogue) {
  for (const Types& t : kTypes) {
    KernelCase c(16);
    Tensor y = Cast(MatMul(c.Input(t.a, {21, 40}), c.Input(t.b, {40, 52}, true), t.acc), DType::kF32);
    y = Max(y * c.Input(DType::kF32, {52}) + c.Input(DType::kF32, {52}), 0.0);
    c.Output(t.acc == DType::kF32 ? Cast(y, DType::kBF16) : y * 0.001);
    c.Check(40);
  }
}

// Sums of bytes that begin at a column's number, as far as nothing else reads them. By form: added, taken away, taken
// from, read twice, of each row, the result itself.
TEST(Dot, BeginsOfSums) {
  uint32_t seed = 31;
  for (const Types& t : {kTypes[1], kTypes[2]}) {
    SCOPED_TRACE(Name(t));
    for (auto [m, k, n] : std::vector<std::array<int64_t, 3>>{{13, 24, 64}, {40, 30, 50}, {21, 4500, 33}}) {
      for (int form = 0; form < 6; ++form) {
        KernelCase c(seed++);
        Tensor sums = MatMul(c.Input(t.a, {m, k}), c.Input(t.b, {k, n}, true), t.acc);
        Tensor more = c.Input(DType::kI32, form == 4 ? Shape{m, n} : Shape{n}, form != 4);
        Tensor y = form == 2 ? more - sums : form == 1 || form == 3 ? sums - more : sums + more;
        if (form == 3) y = Max(y, sums);
        c.Output(form == 5 ? y : Cast(y, DType::kF32) * 0.25);
        c.Check(1);
      }
    }
  }
}

TEST(Dot, Convolutions) {
  struct Case {
    Shape x;
    int64_t outputs, kernel, stride, pad, groups;
  };
  for (const Types& t : kTypes) {
    SCOPED_TRACE(Name(t));
    const Case cases[] = {{{2, 5, 7, 24}, 40, 1, 1, 0, 1}, {{1, 9, 8, 3}, 20, 3, 2, 1, 1},
                          {{2, 8, 9, 64}, 33, 3, 1, 1, 1}, {{1, 6, 6, 30}, 17, 3, 1, 2, 1},
                          {{1, 7, 6, 128}, 16, 3, 2, 1, 2}, {{1, 5, 6, 32}, 32, 3, 1, 1, 32},
                          {{1, 7, 8, 64}, 48, 1, 2, 0, 1}, {{2, 4, 5, 10}, 12, 2, 1, 0, 2},
                          // rows of the image that hold whole runs of registers
                          {{2, 12, 20, 40}, 33, 3, 1, 1, 1}, {{2, 21, 21, 64}, 17, 1, 2, 0, 1},
                          {{1, 11, 23, 72}, 16, 3, 2, 1, 2}, {{2, 6, 16, 64}, 20, 5, 1, 2, 1},
                          // rows of the window that nearly fill a register's
                          {{2, 19, 32, 3}, 40, 7, 2, 3, 1}, {{1, 37, 45, 4}, 17, 7, 1, 1, 1},
                          {{1, 9, 28, 5}, 64, 5, 2, 2, 1}, {{2, 40, 18, 1}, 33, 14, 1, 6, 1},
                          {{1, 24, 12, 8}, 16, 4, 1, 1, 1}, {{1, 50, 224, 3}, 64, 7, 2, 3, 1}};
    for (const Case& v : cases) {
      for (bool constant : {true, false}) {
        KernelCase c(17);
        Window w;
        w.kernel = {v.kernel, v.kernel};
        w.strides = {v.stride, v.stride};
        w.dilations = {1, 1};
        w.pads_lo = {Dim(v.pad), Dim(v.pad)};
        w.groups = v.groups;
        if (t.acc == DType::kI32) w.fill = IsUnsignedInt(t.a) ? 200 : -57;
        const Dim depth = FloorDiv(v.x[3], v.groups);
        Tensor filter = c.Input(t.b, {v.kernel, v.kernel, depth, v.outputs}, constant);
        c.Output(Conv(c.Input(t.a, v.x), filter, w, {Dim(v.pad), Dim(v.pad)}, t.acc));
        c.Check(static_cast<double>(depth.value() * v.kernel * v.kernel));
      }
    }
  }
}

}  // namespace
}  // namespace belay
