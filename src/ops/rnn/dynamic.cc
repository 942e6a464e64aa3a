// Recurrent layers in GE's form: weights with inputs as rows, every step's state and gates
// returned.
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

// What these records cannot do is refused by attribute and value.
void CheckPlain(const Body& b) {
  if (b.Int("cell_depth") != 1) FailNotSupported("cell_depth {} (only 1)", b.Int("cell_depth"));
  if (b.Float("keep_prob") != 1) FailNotSupported("keep_prob {} (only 1)", b.Float("keep_prob"));
  if (b.Float("cell_clip") > 0) FailNotSupported("cell_clip {}", b.Float("cell_clip"));
  if (b.Int("num_proj") != 0) FailNotSupported("num_proj {} (only 0)", b.Int("num_proj"));
  if (!b.Bool("time_major")) FailNotSupported("time_major false");
  if (b.Str("activation") != "tanh")
    FailNotSupported("activation '{}' (only tanh)", b.Str("activation"));
}

bool IsReverse(const Body& b) {
  const std::string direction = b.Str("direction");
  if (direction == "UNIDIRECTIONAL") return false;
  if (direction == "REDIRECTIONAL") return true;
  FailNotSupported("direction '{}' (only UNIDIRECTIONAL and REDIRECTIONAL)", direction);
}

// Blocks of H columns (or elements) in another order. order: the letters of the blocks as they are
// and as they shall be.
Tensor Reordered(const Tensor& w, const std::string& from, const std::string& to,
                 const Dim& hidden) {
  const int last = w.rank() - 1;
  std::vector<Tensor> parts;
  for (char gate : to) {
    parts.push_back(Slice(w, last, hidden * Dim(static_cast<int64_t>(from.find(gate))), hidden));
  }
  return Concat(parts, last);
}

struct Layer {
  Tensor x;               // [T, B, I]
  Tensor wx, wh, bias;    // [I, G*H], [H, G*H], [G*H], gates in the library's order
  Tensor recurrent_bias;  // [H]: GRU's, inside the reset gate
  Tensor h0, c0;          // [B, H]
  Tensor peepholes;       // [3*H], or empty
  Tensor lengths;         // i64 [B], or empty
  bool reverse = false, reset_after = true;
};

struct Steps {
  Tensor y, h, c, gates;  // [T, B, ...]; c: GRU's recurrent part of the new gate
};

Steps Run(const Layer& layer, int64_t gate_count) {
  const Tensor& x = layer.x;
  Builder& b = x.builder();
  const Dim t = x.dim(0), batch = x.dim(1), hidden = layer.wh.dim(0), width = layer.wh.dim(1),
            one(1);
  Tensor xw = MatMul(Reshape(x, {t * batch, x.dim(2)}), layer.wx, DType::kF32);
  if (layer.bias) xw = xw + layer.bias;
  const Shape state = {one, batch, hidden};
  auto zeros = [&](const Shape& shape) { return Full(b, shape, DType::kF32, 0); };
  Tensor lengths = layer.lengths ? layer.lengths : BroadcastTo(b.FromDim(DType::kI64, t), {batch});
  const bool peeps = static_cast<bool>(layer.peepholes);
  std::vector<CallAttr> attrs = {
      {"gates", gate_count}, {"reverse", layer.reverse},        {"f0", 0}, {"g0", 1}, {"h0", 1},
      {"peepholes", peeps},  {"reset_after", layer.reset_after}};
  const Shape three = {one, hidden * Dim(3)}, steps = {t, one, batch, hidden};
  std::vector<Tensor> y = Call(
      "recurrent",
      {Reshape(xw, {one, t, batch, width}), Unsqueeze(layer.wh, {0}),
       layer.h0 ? Reshape(layer.h0, state) : zeros(state),
       layer.c0 ? Reshape(layer.c0, state) : zeros(state), lengths,
       peeps ? Reshape(layer.peepholes, three) : zeros(three),
       layer.recurrent_bias ? Reshape(layer.recurrent_bias, {one, hidden}) : zeros({one, hidden}),
       b.Constant(LiteralFromDoubles(DType::kF32, {7}, {HUGE_VAL, 0, 0, 0, 0, 0, 0}))},
      {{DType::kF32, steps},
       {DType::kF32, state},
       {DType::kF32, state},
       {DType::kF32, steps},
       {DType::kF32, {t, one, batch, width}}},
      attrs);
  Steps s;
  s.y = Squeeze(y[0], {1});
  s.c = Squeeze(y[3], {1});
  s.gates = Squeeze(y[4], {1});
  s.h = s.y;
  if (layer.lengths) {  // a state stays as it was when its sequence has ended
    Tensor runs = Less(b.Iota(DType::kI64, {t, Dim(1), Dim(1)}, 0),
                       Reshape(layer.lengths, {Dim(1), batch, Dim(1)}));
    s.h = Select(runs, s.y, BroadcastTo(y[1], s.y.shape()));
    if (gate_count == 4) s.c = Select(runs, s.c, BroadcastTo(y[2], s.c.shape()));
  }
  return s;
}

// Gate k of [.., G*H].
Tensor Gate(const Steps& s, int k) {
  const Dim hidden = s.y.dim(2);
  return Slice(s.gates, 2, hidden * Dim(k), hidden);
}

Tensor Optional(const Body& b, const char* name) {
  return b.Has(name) ? Cast(b.Raw(name), DType::kF32) : Tensor();
}

void ReadCommon(const Body& b, Layer* layer) {
  CheckPlain(b);
  layer->x = Cast(b.Raw("x"), DType::kF32);
  if (layer->x.rank() != 3)
    Fail("x has shape {}, but must have rank 3", ToString(layer->x.shape()));
  layer->reverse = IsReverse(b);
  layer->h0 = Optional(b, "init_h");
  if (!b.Has("seq_length")) return;
  if (b.Raw("seq_length").dtype() != DType::kI32)
    FailNotSupported("seq_length as a mask of floats");
  layer->lengths = Cast(b.Raw("seq_length"), DType::kI64);
}

std::string GateOrder(const Body& b, const char* first, const char* second) {
  const std::string order = b.Str("gate_order");
  if (order != first && order != second) {
    FailNotSupported("gate_order '{}' (only {} and {})", order, first, second);
  }
  return order;
}

// The library's gates are i, o, f and the new one, which GE calls j or c.
constexpr const char* kLstmGates = "iofj";

void LstmBody(Body& b, const Tensor& wx, const Tensor& wh, const Tensor& bias) {
  Layer layer;
  ReadCommon(b, &layer);
  if (b.Str("cell_type") != "LSTM")
    FailNotSupported("cell_type '{}' (only LSTM)", b.Str("cell_type"));
  if (b.Has("mask")) FailNotSupported("the input mask");
  std::string order = GateOrder(b, "ijfo", "ifco");
  if (order == "ifco") order = "ifjo";
  const Dim hidden = wh.dim(0);
  layer.wx = Reordered(wx, order, kLstmGates, hidden);
  layer.wh = Reordered(wh, order, kLstmGates, hidden);
  layer.bias = bias ? Reordered(bias, order, kLstmGates, hidden)
                    : Full(b.builder(), {hidden * Dim(4)}, DType::kF32, 0);
  if (const double forget = b.Float("forget_bias"); forget != 0) {
    Tensor block = FloorDiv(b.builder().Iota(DType::kI64, layer.bias.shape(), 0),
                            b.builder().FromDim(DType::kI64, hidden));
    layer.bias = layer.bias + Cast(Equal(block, 2.0), DType::kF32) * forget;
  }
  layer.c0 = Optional(b, "init_c");
  if (b.Bool("use_peephole")) {
    layer.peepholes = Concat({b.In("wci"), b.In("wco"), b.In("wcf")}, 0);
  }
  const Steps s = Run(layer, 4);
  b.Out("y", s.y);
  b.Out("output_h", s.h);
  b.Out("output_c", s.c);
  b.Out("i", Gate(s, 0));
  b.Out("j", Gate(s, 3));
  b.Out("f", Gate(s, 2));
  b.Out("o", Gate(s, 1));
  b.Out("tanhc", Tanh(s.c));
}

const std::vector<DType>& RecurrentDtypes() {
  static const std::vector<DType> dtypes = {DType::kF32, DType::kF16, DType::kBF16};
  return dtypes;
}

}  // namespace

// w: the rows of x above the rows of h.
BELAY_OP(DynamicRNN) {
  op.Dtypes("x", RecurrentDtypes()).Computes([](Body& b) {
    Tensor w = Cast(b.Raw("w"), DType::kF32), x = b.Raw("x");
    if (w.rank() != 2 || x.rank() != 3) {
      Fail("x and w have ranks {} and {}, but need 3 and 2", x.rank(), w.rank());
    }
    const Dim inner = x.dim(2), hidden = FloorDiv(w.dim(1), 4);
    if (!b.builder().Assume(Equal(inner + hidden, w.dim(0)), true)) {
      Fail("w has {} rows, but x and h have {} elements", w.dim(0).ToString(),
           (inner + hidden).ToString());
    }
    LstmBody(b, Slice(w, 0, 0, inner), Slice(w, 0, inner, hidden), Cast(b.Raw("b"), DType::kF32));
  });
}

BELAY_OP(DynamicGRUV2) {
  op.Dtypes("x", RecurrentDtypes()).Computes([](Body& b) {
    Layer layer;
    ReadCommon(b, &layer);
    const std::string order = GateOrder(b, "zrh", "rzh");
    Tensor wh = Cast(b.Raw("weight_hidden"), DType::kF32);
    if (wh.rank() != 2) Fail("weight_hidden has rank {}, but needs 2", wh.rank());
    const Dim hidden = wh.dim(0);
    auto reordered = [&](const Tensor& t) { return Reordered(t, order, "zrh", hidden); };
    layer.wx = reordered(Cast(b.Raw("weight_input"), DType::kF32));
    layer.wh = reordered(wh);
    layer.reset_after = b.Bool("reset_after");
    if (b.Has("bias_input")) layer.bias = reordered(Optional(b, "bias_input"));
    if (b.Has("bias_hidden")) {
      Tensor bias = reordered(Optional(b, "bias_hidden"));
      layer.recurrent_bias = Slice(bias, 0, hidden * Dim(2), hidden);
      Tensor zero = b.builder().Scalar(DType::kF32, 0);
      Tensor outside = Pad(Slice(bias, 0, 0, hidden * Dim(2)), {Dim(0)}, {hidden}, zero);
      layer.bias = layer.bias ? layer.bias + outside : outside;
    }
    const Steps s = Run(layer, 3);
    b.Out("y", s.y);
    b.Out("output_h", s.h);
    b.Out("update", Gate(s, 0));
    b.Out("reset", Gate(s, 1));
    b.Out("new", Gate(s, 2));
    b.Out("hidden_new", s.c);
  });
}

}  // namespace belay
