#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <set>
#include <string>

#include "backend/cpu/build_contract.h"
#include "backend/cpu/tiny_weights.h"
#include "backend_contract/kernel_case.h"

namespace belay {
namespace {

struct ConvCase {
  std::vector<int64_t> in;      // spatial extents
  int64_t images, channels, outputs, groups;
  std::vector<int64_t> kernel, strides, dilations, lo, hi;
};

Shape FilterShape(const ConvCase& v) {
  Shape w(v.kernel.begin(), v.kernel.end());
  w.push_back(v.channels / v.groups);
  w.push_back(v.outputs);
  return w;
}

Window WindowOf(const ConvCase& v) {
  Window window;
  window.kernel = v.kernel;
  window.strides = v.strides;
  window.dilations = v.dilations;
  window.pads_lo.assign(v.lo.begin(), v.lo.end());
  window.groups = v.groups;
  return window;
}

Tensor MakeConv(KernelCase& c, const ConvCase& v, bool constant, bool dynamic, DType x_type = DType::kF32,
                DType w_type = DType::kF32, DType acc = DType::kF32) {
  Shape x{dynamic ? c.Dynamic(v.images) : Dim(v.images)};
  for (int64_t e : v.in) x.push_back(dynamic ? c.Dynamic(e) : Dim(e));
  x.push_back(v.channels);
  return Conv(c.Input(x_type, x), c.Input(w_type, FilterShape(v), constant), WindowOf(v), {v.hi.begin(), v.hi.end()},
              acc);
}

double Depth(const ConvCase& v) {
  double depth = static_cast<double>(v.channels / v.groups);
  for (int64_t k : v.kernel) depth *= static_cast<double>(k);
  return depth;
}

// On every row that the host runs.
void ExpectWithin(KernelCase& c, double difference) {
  for (const TargetRow& row : TargetRows()) {
    if (!HostRuns(row)) continue;
    EXPECT_LE(c.LargestDifference(row), difference) << row.name;
  }
}

void CheckAll(const ConvCase& v) {
  for (bool constant : {true, false}) {
    for (bool dynamic : {false, true}) {
      KernelCase c(3);
      c.Output(Max(MakeConv(c, v, constant, dynamic) + c.Input(DType::kF32, {v.outputs}), 0.0));
      c.Check(Depth(v));
    }
  }
}

TEST(Conv, Pointwise) {
  CheckAll({{5, 7}, 2, 24, 40, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}});
  CheckAll({{5, 7}, 2, 16, 20, 1, {1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}});
}

TEST(Conv, FirstLayer) {
  CheckAll({{17, 19}, 2, 3, 20, 1, {7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}});
  CheckAll({{9, 8}, 1, 1, 17, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{9, 8}, 1, 3, 8, 1, {3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}});
}

// Pictures whose colours lie in planes: vectors of pixels that overlap at the end of a row, borders on any side,
// several blocks and images. Beside an addend whose rows repeat, windows are copied.
TEST(Conv, FirstLayerOfPlanes) {
  const ConvCase cases[] = {{{33, 32}, 2, 3, 20, 1, {7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}},
                            {{9, 21}, 1, 2, 33, 1, {3, 3}, {1, 1}, {2, 1}, {0, 2}, {1, 0}},
                            {{70, 41}, 3, 4, 16, 1, {5, 3}, {3, 2}, {1, 1}, {2, 0}, {0, 0}},
                            {{40, 224}, 1, 3, 32, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}};
  for (const ConvCase& v : cases) {
    for (bool constant : {true, false}) {
      for (bool copies_windows : {false, true}) {
        KernelCase c(5);
        const Tensor planes = c.Input(DType::kF32, {v.images, v.channels, v.in[0], v.in[1]});
        const Tensor w = c.Input(DType::kF32, FilterShape(v), constant);
        const Tensor y = Conv(Transpose(planes, {0, 2, 3, 1}), w, WindowOf(v), {v.hi.begin(), v.hi.end()}, DType::kF32);
        ASSERT_TRUE(ReadsPlanes(*y.node()));
        const Dim columns = y.shape()[2], rows = copies_windows ? Dim(1) : y.shape()[1];
        const Dim images = copies_windows ? 1 : v.images;
        const Tensor addend = c.Input(DType::kF32, {images, rows, columns, v.outputs});
        c.Output(Max(y + addend, 0.0));
        c.Check(Depth(v));
      }
    }
  }
}

TEST(Conv, Windows) {
  CheckAll({{8, 9}, 2, 16, 33, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{11, 9}, 1, 13, 48, 1, {3, 2}, {2, 1}, {1, 2}, {0, 2}, {3, 1}});
  CheckAll({{6, 6}, 1, 12, 16, 1, {5, 5}, {1, 1}, {1, 1}, {4, 4}, {4, 4}});
}

TEST(Conv, Deep) { CheckAll({{5, 6}, 1, 300, 70, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}); }

// The convolution with bias, activation and residual on every row that this machine runs. then: the row's name and what
// the kernel says of itself.
void EachRow(const ConvCase& v, bool dynamic, const std::function<void(const std::string&, const std::string&)>& then) {
  KernelCase c(7);
  Tensor y = MakeConv(c, v, true, dynamic);
  c.Output(Max(y + c.Input(DType::kF32, {v.outputs}), 0.0) + c.Input(DType::kF32, y.shape()));
  for (const char* name : {"sse", "avx2", "avx512"}) {
    const TargetRow* row = FindTargetRow(name);
    if (HostRuns(*row)) then(name, c.CheckRow(*row, Depth(v)));
  }
}

// Few outputs: pixels in lanes. One row and many, tiles behind the end, steps and dilations, more taps than are
// unrolled.
TEST(Conv, FewOutputs) {
  const ConvCase cases[] = {{{9, 70}, 2, 8, 1, 1, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
                            {{6, 50}, 1, 8, 8, 1, {3, 39}, {1, 1}, {1, 1}, {1, 19}, {1, 19}},
                            {{41, 200}, 1, 4, 3, 1, {5, 5}, {2, 2}, {1, 1}, {0, 1}, {1, 0}},
                            {{10, 145}, 1, 8, 2, 1, {5, 3}, {1, 1}, {2, 3}, {4, 3}, {4, 3}},
                            {{900}, 1, 1, 1, 1, {256}, {2}, {1}, {0}, {0}},
                            {{300}, 3, 12, 4, 1, {21}, {3}, {1}, {9}, {11}},
                            {{130}, 2, 12, 3, 1, {21}, {1}, {2}, {20}, {20}}};
  for (const ConvCase& v : cases) {
    for (bool dynamic : {false, true}) {
      EachRow(v, dynamic, [&](const std::string& name, const std::string& about) {
        const bool wide = name == "avx512" || (name == "avx2" && v.outputs <= 4);
        if (wide && !dynamic) {  // where extents are open, their likely sizes decide
          EXPECT_NE(about.find("pixels in lanes"), std::string::npos) << name << ": " << about;
        }
      });
    }
  }
}

// Transformed tiles hold to the budget of plain sums. Extents that 4 does not divide, uneven borders, more channels
// than a multiple of a vector, several blocks of tiles, an epilogue that reads an image of its own.
TEST(Conv, Winograd) {
  const ConvCase cases[] = {{{13, 18}, 2, 32, 48, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
                            {{13, 9}, 3, 21, 70, 1, {3, 3}, {1, 1}, {1, 1}, {0, 2}, {2, 0}},
                            {{40, 44}, 1, 64, 40, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
                            {{7, 9}, 5, 180, 33, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}};
  for (const ConvCase& v : cases) {
    for (bool dynamic : {false, true}) {
      EachRow(v, dynamic, [](const std::string& name, const std::string& about) {
        EXPECT_EQ(about.substr(0, 8), "winograd") << name;
      });
    }
  }
}

TEST(Conv, PlainSumsOnRequest) {
  KernelCase c(3);
  c.Output(MakeConv(c, {{16, 16}, 1, 32, 32, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, true, false));
  KernelSpec spec = c.Spec();
  for (bool plain : {false, true}) {
    spec.plain_sums = plain;
    auto kernels = CompileJobs({{&BuildContract, &spec}}, HostTargetRow());
    ASSERT_TRUE(kernels.ok());
    EXPECT_EQ((*kernels)[0].about.substr(0, 8) == "winograd", !plain) << (*kernels)[0].about;
  }
}

TEST(Conv, Groups) {
  CheckAll({{6, 5}, 2, 32, 24, 2, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{6, 5}, 2, 12, 8, 4, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{6, 5}, 1, 6, 12, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
}

TEST(Conv, Depthwise) {
  CheckAll({{7, 9}, 2, 37, 37, 37, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{11, 15}, 1, 32, 32, 32, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{9, 14}, 1, 20, 20, 20, {5, 5}, {1, 2}, {1, 1}, {2, 0}, {2, 3}});
  CheckAll({{9, 14}, 1, 18, 18, 18, {3, 3}, {1, 1}, {2, 3}, {2, 3}, {2, 3}});
  CheckAll({{3, 2}, 1, 16, 16, 16, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}});
  CheckAll({{29}, 2, 16, 16, 16, {5}, {1}, {1}, {4}, {0}});
  CheckAll({{4, 5, 9}, 1, 19, 19, 19, {2, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}});
  // Several steps between the ends, blocks of channels and a rest; rows in several chunks; windows larger than x; a map
  // beyond a core's cache; more steps at the ends than have code of their own.
  CheckAll({{5, 41}, 2, 83, 83, 83, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{30, 28}, 1, 72, 72, 72, {5, 5}, {2, 1}, {1, 2}, {2, 4}, {1, 4}});
  CheckAll({{2, 3}, 3, 40, 40, 40, {7, 7}, {1, 1}, {1, 1}, {3, 3}, {3, 3}});
  CheckAll({{4001}, 1, 50, 50, 50, {3}, {1}, {1}, {1}, {1}});
  CheckAll({{80}, 1, 20, 20, 20, {49}, {1}, {1}, {24}, {24}});
  const ConvCase v{{6, 9}, 3, 16, 16, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  KernelCase operands(5);
  Tensor y = MakeConv(operands, v, true, true);
  operands.Output(y * operands.Input(DType::kF32, {y.dim(0), 1, 1, 16}) + operands.Input(DType::kF32, y.shape()));
  operands.Check(9);
  KernelCase half(6);
  half.Output(MakeConv(half, v, true, false, DType::kF16, DType::kF16));
  half.Check(9);
}

// Rows of the window in words: fewer than four, one word, several; pairs of rows of the output, an odd one, in several
// chunks; strides, dilations, borders, windows larger than x; channels behind whole vectors; signed and unsigned
// images; filters that are no constants.
TEST(Conv, DepthwiseBytes) {
  const ConvCase cases[] = {{{6, 9}, 3, 16, 16, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
                            {{7, 30}, 1, 37, 37, 37, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
                            {{45, 28}, 1, 72, 72, 72, {3, 5}, {1, 2}, {1, 1}, {0, 2}, {1, 2}},
                            {{2, 9}, 1, 16, 16, 16, {3, 3}, {1, 1}, {1, 1}, {0, 1}, {1, 1}},
                            {{7, 30}, 2, 37, 37, 37, {4, 3}, {1, 1}, {1, 1}, {1, 1}, {2, 1}},
                            {{12, 28}, 1, 72, 72, 72, {5, 5}, {2, 2}, {1, 1}, {2, 2}, {2, 2}},
                            {{30, 28}, 1, 40, 40, 40, {2, 5}, {2, 1}, {1, 2}, {0, 4}, {1, 4}},
                            {{2, 3}, 3, 20, 20, 20, {7, 7}, {1, 1}, {1, 1}, {3, 3}, {3, 3}},
                            {{29}, 2, 16, 16, 16, {5}, {1}, {1}, {4}, {0}}};
  for (const ConvCase& v : cases) {
    for (DType image : {DType::kU8, DType::kI8}) {
      for (bool constant : {true, false}) {
        KernelCase c(7);
        c.Output(MakeConv(c, v, constant, false, image, DType::kI8, DType::kI32));
        c.Check(Depth(v));
        for (const char* name : {"avx2_vnni", "avx512_vnni", "amx"}) {
          const TargetRow* row = FindTargetRow(name);
          if (!HostRuns(*row)) continue;
          const bool words = c.CheckRow(*row, Depth(v)).find("as words") != std::string::npos;
          EXPECT_EQ(words, constant && v.in.size() == 2) << name;
        }
      }
    }
  }
}

// Packed copies of equal bytes are shared by layout: filters of as many elements must not share one.
TEST(Conv, DepthwiseLayouts) {
  std::set<std::string> layouts;
  for (const ConvCase& v : {ConvCase{{9, 9}, 1, 32, 32, 32, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
                            ConvCase{{9, 9}, 1, 48, 48, 48, {3, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}) {
    KernelCase c(10);
    c.Output(MakeConv(c, v, true, false, DType::kU8, DType::kI8, DType::kI32));
    const KernelSpec spec = c.Spec();
    for (const char* name : {"avx2_vnni", "avx512_vnni"}) {
      auto kernels = CompileJobs({{&BuildContract, &spec}}, *FindTargetRow(name));
      ASSERT_TRUE(kernels.ok());
      ASSERT_EQ((*kernels)[0].packs.size(), 1u);
      layouts.insert((*kernels)[0].packs[0].layout);
    }
  }
  EXPECT_EQ(layouts.size(), 2u);  // whole vectors on both rows
}

TEST(Conv, OneAndThreeDims) {
  CheckAll({{23}, 2, 16, 18, 1, {5}, {2}, {1}, {2}, {1}});
  CheckAll({{23}, 2, 2, 18, 1, {5}, {1}, {1}, {2}, {2}});
  CheckAll({{4, 5, 6}, 1, 16, 18, 1, {3, 2, 3}, {1, 2, 1}, {1, 1, 1}, {1, 0, 1}, {1, 1, 1}});
}

TEST(Conv, Empty) {
  CheckAll({{5, 5}, 0, 16, 18, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  CheckAll({{2, 5}, 1, 16, 18, 1, {3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}});
}

TEST(Conv, EpilogueOperands) {
  const ConvCase v{{6, 7}, 3, 16, 20, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  KernelCase residual(5);
  Tensor y = MakeConv(residual, v, true, false);
  residual.Output(Max(y * residual.Input(DType::kF32, {20}) + residual.Input(DType::kF32, y.shape()), 0.0));
  residual.Check(144);
  KernelCase excite(6);  // one scale for each image and channel
  y = MakeConv(excite, v, true, true);
  excite.Output(y * excite.Input(DType::kF32, {y.dim(0), 1, 1, 20}));
  excite.Check(144);
  KernelCase grouped(7);
  ConvCase g = v;
  g.groups = 2;
  y = MakeConv(grouped, g, true, false);
  grouped.Output(y * grouped.Input(DType::kF32, {3, 1, 1, 20}) + grouped.Input(DType::kF32, {20}));
  grouped.Check(72);
}

// Pixels times a number for each channel, of each image or of all, before a pointwise convolution: filters that are
// constant or not, channels behind whole vectors, several blocks of rows and panels of columns, pixels of a larger
// image, a gate that is a part of another tensor.
TEST(Conv, Gated) {
  const ConvCase cases[] = {{{9, 10}, 2, 24, 40, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
                            {{7, 7}, 3, 83, 16, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
                            {{20, 41}, 1, 19, 33, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
                            {{200}, 1, 700, 100, 1, {1}, {1}, {1}, {0}, {0}}};
  for (const ConvCase& v : cases) {
    for (bool of_each : {true, false}) {
      for (bool dynamic : {false, true}) {
        for (bool sliced : {false, true}) {
          KernelCase c(4);
          Shape x{dynamic ? c.Dynamic(v.images) : Dim(v.images)};
          for (int64_t e : v.in) x.push_back(dynamic ? c.Dynamic(e) : Dim(e));
          x.push_back(v.channels);
          Shape whole = x, gates(x.size(), Dim(1));
          whole.back() = v.channels + (sliced ? 16 : 0);
          gates[0] = of_each ? x[0] : Dim(1);
          gates.back() = whole.back();
          Tensor pixels = c.Input(DType::kF32, whole), gate = c.Input(DType::kF32, gates);
          if (sliced) {
            const int channel = static_cast<int>(x.size()) - 1;
            pixels = Slice(pixels, channel, 16, v.channels);
            gate = Slice(gate, channel, 5, v.channels);
          }
          Tensor w = c.Input(DType::kF32, FilterShape(v), !sliced);
          Tensor y = Conv(gate * pixels, w, WindowOf(v), {v.hi.begin(), v.hi.end()}, DType::kF32);
          c.Output(Max(y + c.Input(DType::kF32, {v.outputs}), 0.0));
          ASSERT_TRUE(FindGate(*y.node()));
          c.Check(Depth(v));
        }
      }
    }
  }
}

// Sums whose rounding to bf16 is denormal, some beside larger ones: at most one unit of the smallest bf16 off.
TEST(Conv, DenormalResults) {
  for (int64_t groups : {1, 40}) {
    for (const TargetRow& row : TargetRows()) {
      if (!HostRuns(row)) continue;
      KernelCase c(9);
      Tensor y = MakeConv(c, {{5, 9}, 1, 40, 40, groups, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, true, false);
      c.Output(Cast(y * 0x1p-100 * 0x1p-30, DType::kBF16));
      EXPECT_LE(c.LargestDifference(row), 0x1p-133) << row.name << ", groups " << groups;
    }
  }
}

// Few channels: tiles read rows of the window from rows of the image, of a copy with a border or in place.
TEST(Conv, RowsOfFewChannels) {
  const std::vector<ConvCase> cases = {
      {{20, 32}, 2, 3, 16, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}},
      {{9, 20}, 3, 3, 40, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{12, 22}, 2, 4, 20, 1, {3, 5}, {1, 2}, {1, 1}, {0, 0}, {0, 1}},  // nothing outside on the left
      {{9, 21}, 2, 1, 24, 1, {3, 5}, {2, 2}, {1, 1}, {0, 0}, {0, 0}},   // nothing outside
      {{15, 20}, 1, 2, 8, 1, {3, 3}, {2, 2}, {2, 1}, {2, 1}, {2, 0}},   // every other row
      {{5, 14}, 1, 3, 9, 1, {7, 9}, {1, 1}, {1, 1}, {3, 4}, {3, 4}},    // more window than image
      {{14}, 2, 3, 16, 1, {3}, {1}, {1}, {1}, {1}}};
  for (const ConvCase& v : cases) {
    for (bool dynamic : {false, true}) {
      for (bool constant : {true, false}) {
        KernelCase c(3);
        c.Output(Max(MakeConv(c, v, constant, dynamic), 0.0));
        c.Check(Depth(v));
      }
    }
  }
}

// Pixels of a larger image, and some of its channels, read where they lie; so is the residual.
TEST(Conv, SlicedImages) {
  const std::vector<ConvCase> cases = {
      {{5, 7}, 2, 24, 40, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
      {{9, 10}, 2, 40, 40, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{9, 10}, 2, 40, 40, 40, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{9, 10}, 2, 40, 40, 4, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{17, 19}, 2, 3, 20, 1, {7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}},
      {{9, 12}, 1, 16, 1, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}};
  for (const ConvCase& v : cases) {
    for (DType dtype : {DType::kF32, DType::kBF16}) {
      for (bool dynamic : {false, true}) {
        KernelCase c(4);
        Shape whole{dynamic ? c.Dynamic(v.images) : Dim(v.images)};
        std::vector<Dim> starts{0}, sizes{whole[0]};
        for (int64_t e : v.in) {
          whole.push_back(dynamic ? c.Dynamic(e + 3) : Dim(e + 3));
          starts.push_back(2);
          sizes.push_back(whole.back() - 3);
        }
        whole.push_back(v.channels + 5);
        starts.push_back(1);
        sizes.push_back(v.channels);
        const Tensor x = SliceAll(c.Input(dtype, whole), starts, sizes, std::vector<Dim>(starts.size(), 1));
        Tensor y = Conv(x, c.Input(dtype, FilterShape(v), true), WindowOf(v), {v.hi.begin(), v.hi.end()}, DType::kF32);
        if (y.shape() == x.shape()) y = y + Cast(x, DType::kF32);
        c.Output(y);
        c.Check(Depth(v));
      }
    }
  }
}

// Some filters have weights that products see as 2^-100; others, where nothing is larger, keep them.
TEST(Conv, TinyWeights) {
  for (int64_t groups : {1, 40}) {
    for (int64_t kernel : {1, 3}) {
      KernelCase c(9);
      const ConvCase v{{5, 9}, 1, 40, 40, groups, {kernel, kernel}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
      c.Output(MakeConv(c, v, true, false));
      c.Scale(0, 7, 0x1p-128);  // the filter
      c.Check(Depth(v));
      c.Scale(0, 1, 0x1p-100);
      ExpectWithin(c, 0x1p-108);
    }
  }
}

// Denormal operands and results count as 0 in products, and nowhere else.
TEST(Conv, DenormalOperands) {
  const std::vector<ConvCase> cases = {
      {{5, 9}, 1, 40, 40, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
      {{17, 20}, 1, 64, 64, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},  // by Winograd
      {{5, 9}, 1, 40, 40, 40, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{9, 12}, 1, 16, 1, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}};   // pixels in lanes
  for (const ConvCase& v : cases) {
    KernelCase c(9);
    c.Output(MakeConv(c, v, true, false));
    c.Scale(1, 3, 0x1p-130);  // the image
    c.Check(Depth(v));
    const volatile float denormal = 0x1p-140f;
    EXPECT_EQ(denormal * 4, 0x1p-138f) << "the caller's mode";
    c.Scale(1, 1, 0x1p-130);
    ExpectWithin(c, 0x1p-120);
    c.Scale(0, 1, 0x1p-64);
    c.Scale(1, 1, 0x1p62);  // results of 2^-132
    ExpectWithin(c, 0x1p-120);
  }
}

TEST(TinyWeights, AreLiftedBesideLargeOnes) {
  const float denormal = 0x1p-140f, large = 0x1p-60f, least = 0x1p-100f;
  std::vector<float> weights = {large, denormal, -denormal, 0, 0x1.8p-101f, least, -0.0f, NAN, INFINITY};
  const std::vector<float> wanted = {large, least, -least, 0, least, least, -0.0f, NAN, INFINITY};
  LiftTinyWeights(weights.data(), static_cast<int64_t>(weights.size()));
  EXPECT_EQ(std::memcmp(weights.data(), wanted.data(), weights.size() * sizeof(float)), 0);

  std::vector<float> small = {0x1.fp-61f, denormal, -denormal, 0};
  const std::vector<float> same = small;
  LiftTinyWeights(small.data(), static_cast<int64_t>(small.size()));
  EXPECT_EQ(small, same);
}

TEST(Conv, OtherTypes) {
  const ConvCase v{{6, 7}, 1, 16, 20, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  for (bool constant : {false, true}) {
    KernelCase half(8);
    half.Output(MakeConv(half, v, constant, false, DType::kF16, DType::kF16));
    half.Check(144);
    KernelCase bytes(9);
    bytes.Output(MakeConv(bytes, v, constant, false, DType::kU8, DType::kI8, DType::kI32));
    bytes.Check(144);
  }
}

}  // namespace
}  // namespace belay
