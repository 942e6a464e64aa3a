#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "backend/cpu/build_contract.h"
#include "backend_contract/kernel_case.h"

namespace belay {
namespace {

using Extents = std::vector<std::array<int64_t, 3>>;

TEST(Contract, SmallAndTails) {
  int seed = 1;
  for (auto [m, k, n] : Extents{{1, 1, 1}, {8, 16, 48}, {7, 5, 3}, {9, 33, 49}, {49, 20, 65}, {130, 17, 20}}) {
    for (bool constant : {true, false}) {
      KernelCase c(seed++);
      c.Output(MatMul(c.Input(DType::kF32, {m, k}), c.Input(DType::kF32, {k, n}, constant), DType::kF32));
      c.Check(static_cast<double>(k));
    }
  }
}

TEST(Contract, EmptyExtents) {
  for (auto [m, k, n] : Extents{{0, 4, 5}, {4, 0, 5}, {4, 5, 0}}) {
    for (bool constant : {true, false}) {
      KernelCase c(7);
      c.Output(MatMul(c.Input(DType::kF32, {m, k}), c.Input(DType::kF32, {k, n}, constant), DType::kF32));
      c.Check(static_cast<double>(k));
    }
  }
}

TEST(Contract, DynamicExtents) {
  for (int64_t m : {0, 1, 5, 64, 131}) {
    KernelCase c(11);
    c.Output(MatMul(c.Input(DType::kF32, {c.Dynamic(m), 24}), c.Input(DType::kF32, {24, 40}, true), DType::kF32));
    c.Check(24);
  }
  for (int64_t s : {1, 7, 33}) {
    KernelCase c(12);
    const Dim m = c.Dynamic(s), k = c.Dynamic(s + 3), n = c.Dynamic(2 * s);
    c.Output(MatMul(c.Input(DType::kF32, {m, k}), c.Input(DType::kF32, {k, n}), DType::kF32));
    c.Check(static_cast<double>(s));
  }
}

// Rows that come from beyond a core's cache are fetched ahead, also behind the last one.
TEST(Contract, ManyRows) {
  for (bool constant : {true, false}) {
    KernelCase c(13);
    c.Output(MatMul(c.Input(DType::kF32, {1031, 130}), c.Input(DType::kF32, {130, 17}, constant), DType::kF32));
    c.Check(130);
  }
}

// Sums in several blocks of k.
TEST(Contract, Deep) {
  for (bool constant : {true, false}) {
    for (bool dynamic : {false, true}) {
      KernelCase c(14);
      const Dim k = dynamic && !constant ? c.Dynamic(5001) : Dim(5001), m = dynamic ? c.Dynamic(37) : Dim(37);
      Tensor a = c.Input(DType::kF32, {m, k}), w = c.Input(DType::kF32, {k, 70}, constant);
      c.Output(Max(MatMul(a, w, DType::kF32), 0.0));
      c.Check(5001);
      KernelCase turned(15);
      Tensor b = Transpose(turned.Input(DType::kF32, {70, 3003}, constant), {1, 0});
      turned.Output(MatMul(turned.Input(DType::kF32, {40, 3003}), b, DType::kF32));
      turned.Check(3003);
    }
  }
}

TEST(Contract, Transposed) {
  for (bool a_transposed : {false, true}) {
    for (bool b_transposed : {false, true}) {
      for (bool constant : {false, true}) {
        KernelCase c(21);
        Tensor a = c.Input(DType::kF32, a_transposed ? Shape{19, 45} : Shape{45, 19});
        Tensor w = c.Input(DType::kF32, b_transposed ? Shape{53, 19} : Shape{19, 53}, constant);
        if (a_transposed) a = Transpose(a, {1, 0});
        if (b_transposed) w = Transpose(w, {1, 0});
        c.Output(MatMul(a, w, DType::kF32));
        c.Check(19);
      }
    }
  }
}

TEST(Contract, BatchesAndBroadcast) {
  struct Shapes {
    Shape a, b;
  };
  for (const Shapes& shapes : {Shapes{{2, 3, 9, 10}, {2, 3, 10, 18}}, Shapes{{4, 9, 10}, {10, 18}},
                               Shapes{{4, 1, 9, 10}, {5, 10, 18}}}) {
    for (bool constant : {false, true}) {
      KernelCase c(31);
      Tensor a = c.Input(DType::kF32, shapes.a), b = c.Input(DType::kF32, shapes.b, constant);
      c.Output(MatMul(a, b, DType::kF32));
      c.Check(10);
    }
  }
  KernelCase dynamic(34);
  const Dim n = dynamic.Dynamic(3), s = dynamic.Dynamic(21);
  Tensor a = dynamic.Input(DType::kF32, {n, s, 10}), b = dynamic.Input(DType::kF32, {10, 18}, true);
  dynamic.Output(MatMul(a, b, DType::kF32));
  dynamic.Check(10);
}

// Attention's two products: heads split from one buffer by views.
TEST(Contract, Heads) {
  KernelCase scores(41);
  const Dim n = scores.Dynamic(2), s = scores.Dynamic(37);
  const auto heads = [&](KernelCase& c) {
    return Transpose(Reshape(c.Input(DType::kF32, {n, s, 96}), {n, s, 3, 32}), {0, 2, 1, 3});
  };
  Tensor q = heads(scores), k = heads(scores);
  Tensor mask = scores.Input(DType::kF32, {n, 1, 1, s});
  scores.Output(MatMul(q, Transpose(k, {0, 1, 3, 2}), DType::kF32) * 0.25 + mask);
  scores.Check(32);
  KernelCase values(42);
  (void)values.Dynamic(2), (void)values.Dynamic(37);
  Tensor p = values.Input(DType::kF32, {n, 3, s, s});
  values.Output(MatMul(p, heads(values), DType::kF32));
  values.Check(37);
}

TEST(Contract, Epilogues) {
  for (int form = 0; form < 8; ++form) {
    KernelCase c(50 + form);
    const Dim m = form % 2 == 0 ? Dim(21) : c.Dynamic(35);
    Tensor y = MatMul(c.Input(DType::kF32, {m, 40}), c.Input(DType::kF32, {40, 52}, true), DType::kF32);
    if (form == 0) y = y + c.Input(DType::kF32, {52});
    if (form == 1) y = Max(y + c.Input(DType::kF32, {52}), 0.0);
    if (form == 2) y = y * c.Input(DType::kF32, {52}) + c.Input(DType::kF32, {52}) + c.Input(DType::kF32, {m, 52});
    if (form == 3) y = y * c.Input(DType::kF32, {m, 1});
    if (form == 4) y = Cast(y * 0.5, DType::kF16);
    if (form == 5) y = Sigmoid(y) * y;
    if (form == 6) y = y * (Erf(y * 0.70710678) + 1.0) * 0.5;
    if (form == 7) y = Select(c.Input(DType::kBool, {m, 52}), y, c.Input(DType::kF32, {}));
    c.Output(y);
    c.Check(40);
  }
}

TEST(Contract, UnmergeableEpilogue) {
  KernelCase c(61);
  Tensor y = MatMul(c.Input(DType::kF32, {3, 11, 12}), c.Input(DType::kF32, {12, 20}, true), DType::kF32);
  c.Output(y + c.Input(DType::kF32, {11, 20}));
  c.Check(12);
}

TEST(Contract, OtherTypes) {
  struct Types {
    DType a, b, acc;
  };
  for (Types t : {Types{DType::kF16, DType::kF16, DType::kF32}, Types{DType::kBF16, DType::kBF16, DType::kF32},
                  Types{DType::kF64, DType::kF64, DType::kF64}, Types{DType::kI8, DType::kI8, DType::kI32},
                  Types{DType::kU8, DType::kI8, DType::kI32}, Types{DType::kI32, DType::kI32, DType::kI32},
                  Types{DType::kI64, DType::kI64, DType::kI64}}) {
    for (bool constant : {false, true}) {
      KernelCase c(71);
      c.Output(MatMul(c.Input(t.a, {13, 21}), c.Input(t.b, {21, 37}, constant), t.acc));
      c.Check(21);
    }
  }
}

// By form: rounded with and without bounds, a zero point and a maximum before it; cut off without rounding; rounded
// behind bounds that are no whole numbers, without and with a zero point.
Tensor ToBytes(Tensor y, DType to, int form) {
  if (form == 1) y = Max(y, 0.0);
  if (form >= 4) y = Min(Max(y, to == DType::kU8 ? -0.5 : -100.5), form == 4 ? 77.5 : 1e9);
  if (form == 5) return Cast(Map(ScalarOp::kRound, y) + 60.0, to);
  if (form != 3) y = Map(ScalarOp::kRound, y);
  if (form == 1 || form == 2) y = y + (to == DType::kU8 ? 7.0 : -9.0);
  if (form == 2) y = Min(Max(y, to == DType::kU8 ? 0.0 : -100.0), 90.0);
  return Cast(y, to);
}

TEST(Contract, BytesBehindSums) {
  for (DType to : {DType::kU8, DType::kI8}) {
    for (int64_t n : {8, 16, 24, 32, 48, 64, 69, 112}) {
      for (int form = 0; form < 6; ++form) {
        KernelCase c(81);
        const int64_t k = n % 16 == 0 ? 40 : 24;  // in tile registers, where there are any, and in vectors
        Tensor sums = MatMul(c.Input(DType::kU8, {13, k}), c.Input(DType::kI8, {k, n}, true), DType::kI32);
        Tensor scaled = Cast(sums, DType::kF32) * c.Input(DType::kF32, {n});
        c.Output(ToBytes(scaled + c.Input(DType::kF32, {13, n}), to, form));
        constexpr int kAddend = 3;
        for (auto [every, factor] : {std::pair(3, 3e9), {5, 1e30}, {7, double{INFINITY}}, {11, double{NAN}}}) {
          c.Scale(kAddend, every, factor);
        }
        c.Check(1);
      }
    }
  }
}

// Between two quantisations: exact on all rows, so that looked up and computed bytes are the same. By form: the first
// one's numbers as a u8, as an i8, around a zero point, and with an operand that may be NaN.
TEST(Contract, BytesOfBytes) {
  const std::pair<double, double> ranges[] = {{0, 255}, {-128, 127}, {-113, 142}, {-113, 142}};
  for (DType to : {DType::kU8, DType::kI8}) {
    for (int64_t n : {8, 16, 32, 48, 64, 69}) {
      for (int form = 0; form < 4; ++form) {
        KernelCase c(82);
        const int64_t k = n % 16 == 0 ? 40 : 24;  // in tile registers, where there are any, and in vectors
        Tensor sums = MatMul(c.Input(DType::kU8, {13, k}), c.Input(DType::kI8, {k, n}, true), DType::kI32);
        Tensor scales = c.Input(DType::kF32, {n}, true);
        Tensor y = Cast(sums, DType::kF32) * scales * 0.0625;
        if (form == 3) y = y + c.Input(DType::kF32, {13, n});
        Tensor q = Min(Max(Map(ScalarOp::kRound, y), ranges[form].first), ranges[form].second);
        y = q * 0.5;
        y = Map(ScalarOp::kAbs, y - 3.0) * 0.75 + Max(y, 1.0);
        c.Output(Cast(Map(ScalarOp::kRound, y) - 60.0, to));
        c.Check(1);
        const TargetRow* row = FindTargetRow("amx");
        if (!HostRuns(*row)) continue;
        const std::string about = c.CheckRow(*row, 1);
        EXPECT_EQ(about.find("+table") != std::string::npos, form != 3) << about;
      }
    }
  }
}

// Wherever the nodes of a fragment lie, its object is the same, so that the next process finds it.
TEST(Contract, ObjectsDoNotDependOnAddresses) {
  std::mt19937 random(5);
  std::string first;
  for (int round = 0; round < 12; ++round) {
    std::vector<std::unique_ptr<std::byte[]>> holes;  // for nodes, in any order
    for (int i = 0; i < 64; ++i) holes.push_back(std::make_unique<std::byte[]>(sizeof(Node)));
    std::shuffle(holes.begin(), holes.end(), random);
    holes.clear();
    KernelCase c(9);
    Tensor sums = MatMul(c.Input(DType::kF32, {13, 24}), c.Input(DType::kF32, {24, 64}, true), DType::kF32);
    for (int i = 0; i < 4; ++i) sums = Max(sums * c.Input(DType::kF32, {64}), c.Input(DType::kF32, {13, 64}));
    c.Output(sums);
    KernelDraft draft;
    const KernelSpec spec = c.Spec();
    const auto object = EmitObject({&BuildContract, &spec}, HostTargetRow(), "kernel", &draft);
    ASSERT_TRUE(object.ok()) << object.status().ToString();
    if (round == 0) first = *object;
    EXPECT_TRUE(*object == first) << round;
  }
}

}  // namespace
}  // namespace belay
