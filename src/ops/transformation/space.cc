// Moves blocks between channels and space.
#include "ops/window.h"

namespace belay {
namespace {

Tensor DepthToSpace(const Tensor& x, int64_t block, bool column_row_depth) {  // x: NCHW
  const Dim c = FloorDiv(x.dim(1), block * block), h = x.dim(2), w = x.dim(3);
  const Dim s(block);
  Tensor split = column_row_depth ? Reshape(x, {x.dim(0), c, s, s, h, w})
                                  : Reshape(x, {x.dim(0), s, s, c, h, w});
  Tensor moved = column_row_depth ? Transpose(split, {0, 1, 4, 2, 5, 3})
                                  : Transpose(split, {0, 3, 4, 1, 5, 2});
  return Reshape(moved, {x.dim(0), c, h * s, w * s});
}

Tensor SpaceToDepth(const Tensor& x, int64_t block, bool column_row_depth) {  // x: NCHW
  const Dim s(block), h = FloorDiv(x.dim(2), block), w = FloorDiv(x.dim(3), block);
  Tensor split = Reshape(x, {x.dim(0), x.dim(1), h, s, w, s});
  const std::vector<int> perm = column_row_depth ? std::vector<int>{0, 1, 3, 5, 2, 4}
                                                 : std::vector<int>{0, 3, 5, 1, 2, 4};
  return Reshape(Transpose(split, perm), {x.dim(0), x.dim(1) * s * s, h, w});
}

int64_t BlockOf(const Body& b) {
  const int64_t block = b.Int("block_size");
  if (block < 1 || block > INT32_MAX) Fail("block_size is {}, but must be positive and below 2^31", block);
  if (b.Raw("x").rank() != 4) Fail("x has rank {}, but needs 4", b.Raw("x").rank());
  return block;
}

Tensor ToFirst(const Tensor& x, bool first) { return first ? x : MoveAxis(x, 3, 1); }
Tensor FromFirst(const Tensor& x, bool first) { return first ? x : MoveAxis(x, 1, 3); }

}  // namespace

BELAY_OP(DepthToSpace) {
  op.FromOnnx("DepthToSpace", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("DepthToSpace", {n.Input(0)},
                       {{"block_size", n.Int("blocksize", 0)},
                        {"mode", n.Str("mode", "DCR")},
                        {"data_format", "NCHW"}}));
  });
  op.Computes([](Body& b) {
    const int64_t block = BlockOf(b);
    const std::string mode = b.Str("mode");
    if (mode != "DCR" && mode != "CRD") Fail("mode is '{}', but must be DCR or CRD", mode);
    const bool first = ChannelsFirst(b.Str("data_format"), 4);
    Tensor x = ToFirst(b.Raw("x"), first);
    if (!b.builder().Assume(Equal(Mod(x.dim(1), block * block), 0), true)) {
      Fail("{} channels are not divisible by {}", x.dim(1).ToString(), block * block);
    }
    b.OutRaw("y", FromFirst(DepthToSpace(x, block, mode == "CRD"), first));
  });
}

BELAY_OP(SpaceToDepth) {
  op.FromOnnx("SpaceToDepth", 1, [](OnnxNode& n) {
    n.Output(0, n.Emit("SpaceToDepth", {n.Input(0)},
                       {{"block_size", n.Int("blocksize", 0)},
                        {"data_format", "NCHW"},
                        {"mode", n.Str("mode", "DCR")}}));
  });
  op.Computes([](Body& b) {
    const int64_t block = BlockOf(b);
    const bool first = ChannelsFirst(b.Str("data_format"), 4);
    Tensor x = ToFirst(b.Raw("x"), first);
    for (int d = 2; d < 4; ++d) {
      if (!b.builder().Assume(Equal(Mod(x.dim(d), block), 0), true)) {
        Fail("an extent of {} is not divisible by {}", x.dim(d).ToString(), block);
      }
    }
    b.OutRaw("y", FromFirst(SpaceToDepth(x, block, HiddenStr(b, "mode", "DCR") == "CRD"), first));
  });
}

}  // namespace belay
