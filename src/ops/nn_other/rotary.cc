// Rotary position embedding: y = x * cos + rotate(x) * sin over the last dim.
#include "ops/support.h"

namespace belay {
namespace {

enum class Rotation { kHalf, kInterleave, kQuarter };

void CheckDivisible(const Tensor& x, int64_t parts) {
  if (x.rank() == 0 || !x.builder().Assume(Equal(Mod(x.dim(-1), parts), 0), true)) {
    Fail("x has shape {}, but its last extent must be divisible by {}", ToString(x.shape()), parts);
  }
}

// The last dim as `parts` neighbouring blocks of equal size.
std::vector<Tensor> Blocks(const Tensor& x, int64_t parts) {
  CheckDivisible(x, parts);
  const Dim size = FloorDiv(x.dim(-1), parts);
  std::vector<Tensor> out;
  for (int64_t i = 0; i < parts; ++i) out.push_back(Slice(x, x.rank() - 1, size * Dim(i), size));
  return out;
}

// Neighbours (a, b) become (-b, a), or (b, -a) the other way round.
Tensor RotateNeighbours(const Tensor& x, bool back) {
  CheckDivisible(x, 2);
  Shape pairs = x.shape();
  pairs.back() = FloorDiv(pairs.back(), 2);
  pairs.push_back(2);
  const int last = x.rank();
  Tensor p = Reshape(x, pairs), a = Slice(p, last, 0, 1), b = Slice(p, last, 1, 1);
  return Reshape(back ? Concat({b, -a}, last) : Concat({-b, a}, last), x.shape());
}

// The rotation, or its transpose: the way gradients go.
Tensor Rotate(const Tensor& x, Rotation rotation, bool back = false) {
  if (rotation == Rotation::kInterleave) return RotateNeighbours(x, back);
  std::vector<Tensor> p = Blocks(x, rotation == Rotation::kHalf ? 2 : 4);
  for (size_t i = 0; i < p.size(); i += 2) {
    std::swap(p[i], p[i + 1]);
    Tensor& negated = p[back ? i + 1 : i];
    negated = -negated;
  }
  return Concat(p, x.rank() - 1);
}

Tensor Rotated(const Tensor& x, const Tensor& cos, const Tensor& sin, Rotation rotation) {
  Tensor y = x * cos + Rotate(x, rotation) * sin;
  if (y.rank() != x.rank()) {
    Fail("cos has shape {}, but x only {}", ToString(cos.shape()), ToString(x.shape()));
  }
  return y;
}

Rotation NumberedRotation(int64_t mode) {
  if (mode < 0 || mode > 2)
    FailNotSupported("mode {} (only 0 half, 1 interleave, 2 quarter)", mode);
  return static_cast<Rotation>(mode);
}

Rotation NamedRotation(const std::string& mode) {
  static const char* const kNames[] = {"half", "interleave", "quarter"};
  for (int i = 0; i < 3; ++i) {
    if (mode == kNames[i]) return static_cast<Rotation>(i);
  }
  FailNotSupported("rotary_mode '{}' (only half, interleave, quarter)", mode);
}

struct RotaryGradients {
  Tensor x, cos, sin;
};

RotaryGradients Gradients(const Tensor& dy, const Tensor& cos, const Tensor& sin, const Tensor& x,
                          Rotation rotation) {
  RotaryGradients g;
  g.x = dy * cos + Rotate(dy * sin, rotation, /*back=*/true);
  if (x) {
    g.cos = SumTo(dy * x, cos.shape());
    g.sin = SumTo(dy * Rotate(x, rotation), sin.shape());
  }
  return g;
}

// ONNX's caches have one angle for each pair, and rows for positions or for the tokens themselves.
Tensor AnglesOfTokens(Body& b, const char* cache, Rotation rotation, const Dim& pairs) {
  Tensor angles = b.In(cache);
  if (b.Has("position_ids")) angles = GatherAxis(angles, b.Raw("position_ids"), 0, false);
  if (angles.rank() != 3 || !b.builder().Assume(Equal(angles.dim(2), pairs), true)) {
    Fail("{} gives angles of shape {}, but {} pairs of each token of the batch need one", cache,
         ToString(angles.shape()), pairs.ToString());
  }
  if (rotation == Rotation::kHalf) return Concat({angles, angles}, 2);
  Tensor twice = Concat({Unsqueeze(angles, {3}), Unsqueeze(angles, {3})}, 3);
  return Reshape(twice, {angles.dim(0), angles.dim(1), pairs * Dim(2)});
}

// Heads that lie beside each other [B, S, N*D] are as good as [B, N, S, D]: nothing is transposed.
void OnnxRotaryBody(Body& b) {
  Tensor input = b.In("X"), x = input;
  const int64_t heads = b.Int("num_heads"), part = b.Int("rotary_embedding_dim");
  if (x.rank() == 3) {
    if (heads < 1) Fail("X has rank 3, so num_heads must be set");
    x = Reshape(x, {x.dim(0), x.dim(1), Dim(heads), FloorDiv(x.dim(2), heads)});
  } else if (x.rank() != 4) {
    Fail("X has rank {}, but needs 3 or 4", x.rank());
  }
  const Dim size = part ? Dim(part) : x.dim(3), rest = x.dim(3) - size;
  if (part < 0 || part % 2 || (rest.IsConst() && rest.value() < 0)) {
    Fail("rotary_embedding_dim is {}, but must be even and at most {}", part, x.dim(3).ToString());
  }
  const Rotation rotation = b.Int("interleaved") ? Rotation::kInterleave : Rotation::kHalf;
  const int head_axis = input.rank() == 3 ? 2 : 1;
  auto angles = [&](const char* cache) {
    return Unsqueeze(AnglesOfTokens(b, cache, rotation, FloorDiv(size, 2)), {head_axis});
  };
  Tensor cos = angles("cos_cache"), sin = angles("sin_cache");
  Tensor y = Rotated(Slice(x, 3, 0, size), cos, sin, rotation);
  if (!rest.IsConst(0)) y = Concat({y, Slice(x, 3, size, rest)}, 3);
  b.Out("Y", Reshape(y, input.shape()));
}

}  // namespace

BELAY_OP(OnnxRotaryEmbedding) {
  op.FromOnnx("RotaryEmbedding", 23).Dtypes("X", kFloats).Dtypes("position_ids", kIndices);
  op.Computes(OnnxRotaryBody);
}

BELAY_OP(RotaryMul) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    b.Out("y", Rotated(b.In("x"), b.In("r1"), b.In("r2"), Rotation::kHalf));
  });
}

BELAY_OP(RotaryPositionEmbedding) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    if (b.Has("rotate")) FailNotSupported("the input rotate");
    b.Out("y", Rotated(b.In("x"), b.In("cos"), b.In("sin"), NumberedRotation(b.Int("mode"))));
  });
}

// cos and sin have one head. layout 1 is BSND, 2 SBND, 3 BNSD, 4 TND: broadcasting serves them all.
BELAY_OP(ApplyRotaryPosEmb) {
  op.Dtypes("query", kFloats).Computes([](Body& b) {
    const Rotation rotation = NamedRotation(b.Str("rotary_mode"));
    const int64_t layout = b.Int("layout");
    if (layout < 1 || layout > 4)
      FailNotSupported("layout {} (only 1 BSND, 2 SBND, 3 BNSD, 4 TND)", layout);
    for (const char* name : {"query", "key"}) {
      b.Out(name, Rotated(b.In(name), b.In("cos"), b.In("sin"), rotation));
    }
  });
}

BELAY_OP(RotaryMulGrad) {
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    Tensor x = b.Bool("need_backward") ? b.In("x") : Tensor();
    RotaryGradients g = Gradients(b.In("dy"), b.In("r1"), b.In("r2"), x, Rotation::kHalf);
    b.Out("dx", g.x);
    b.Out("dr1", x ? g.cos : ZeroLike(b.In("r1")));
    b.Out("dr2", x ? g.sin : ZeroLike(b.In("r2")));
  });
}

BELAY_OP(RotaryPositionEmbeddingGrad) {
  op.Dtypes("dy", kFloats).Computes([](Body& b) {
    Tensor x = b.Has("x") ? b.In("x") : Tensor();
    RotaryGradients g =
        Gradients(b.In("dy"), b.In("cos"), b.In("sin"), x, NumberedRotation(b.Int("mode")));
    b.Out("dx", g.x);
    b.Out("dcos", x ? g.cos : ZeroLike(b.In("cos")));
    b.Out("dsin", x ? g.sin : ZeroLike(b.In("sin")));
  });
}

}  // namespace belay
