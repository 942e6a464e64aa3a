// Recurrent layers in ONNX's form: w [D, G*H, I], r [D, G*H, H], b both biases after each other.
#include <algorithm>
#include <cmath>

#include "ops/support.h"

namespace belay {
namespace {

// An activation function of ONNX: its code in library/recurrent.cc, and the defaults of its coefficients.
struct Activation {
  const char* name;
  double alpha = 0, beta = 0;
  bool takes_alpha = false, takes_beta = false;
};
constexpr Activation kActivations[] = {
    {"sigmoid"},
    {"tanh"},
    {"relu"},
    {"hardsigmoid", 0.2, 0.5, true, true},
    {"softplus"},
    {"softsign"},
    {"affine", 1, 0, true, true},
    {"leakyrelu", 0.01, 0, true},
    {"thresholdedrelu", 1, 0, true},
    {"scaledtanh", 1, 1, true, true},
    {"elu", 1, 0, true},
};

struct Activations {
  std::vector<int64_t> codes;        // three per direction; what a cell does not use is 0
  std::vector<double> coefficients;  // alpha and beta of each
};

int64_t ActivationCode(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  for (size_t i = 0; i < std::size(kActivations); ++i) {
    if (name == kActivations[i].name) return static_cast<int64_t>(i);
  }
  Fail("there is no activation {}", name);
}

// Coefficients are consumed in order, by the functions that take them.
Activations ReadActivations(const Body& b, int directions, const std::vector<const char*>& defaults) {
  std::vector<std::string> names;
  auto it = b.node().attrs.find("activations");
  if (it != b.node().attrs.end()) {
    if (auto* list = std::get_if<std::vector<std::string>>(&it->second)) names = *list;
  }
  const size_t per = defaults.size();
  if (names.empty()) {
    for (int d = 0; d < directions; ++d) names.insert(names.end(), defaults.begin(), defaults.end());
  }
  if (names.size() != per * directions) {
    Fail("activations has {} entries, but needs {}", names.size(), per * directions);
  }
  const std::vector<double> alphas = b.Floats("activation_alpha"), betas = b.Floats("activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  Activations a;
  for (size_t i = 0; i < names.size(); ++i) {
    const int64_t code = ActivationCode(names[i]);
    const Activation& f = kActivations[code];
    a.codes.push_back(code);
    a.coefficients.push_back(f.takes_alpha && next_alpha < alphas.size() ? alphas[next_alpha++] : f.alpha);
    a.coefficients.push_back(f.takes_beta && next_beta < betas.size() ? betas[next_beta++] : f.beta);
    if ((i + 1) % per == 0) {
      a.codes.resize(a.codes.size() + 3 - per, 0);
      a.coefficients.resize(2 * a.codes.size(), 0.0);
    }
  }
  return a;
}

// x [T, B, I] @ w [D, G*H, I]' -> [D, T, B, G*H]
Tensor InputProducts(const Tensor& x, const Tensor& w) {
  const Dim steps = x.dim(0), batch = x.dim(1), inner = x.dim(2);
  Tensor flat = Reshape(x, {Dim(1), steps * batch, inner});
  Tensor y = MatMul(flat, SwapLast(w), x.dtype());
  return Reshape(y, {w.dim(0), steps, batch, w.dim(1)});
}

// The library reads all of one type.
Tensor OfTypeOf(const Tensor& x, const Tensor& t, const char* name) {
  if (t.dtype() != x.dtype()) {
    Fail("input {} is computed in {}, but x in {}", name, DTypeName(t.dtype()), DTypeName(x.dtype()));
  }
  return t;
}

Tensor OrZeros(const Body& b, const char* name, const Shape& shape, const Tensor& like) {
  if (!b.Has(name)) return Full(like.builder(), shape, like.dtype(), 0);
  return BroadcastTo(OfTypeOf(like, b.In(name), name), shape);
}

void RecurrentBody(Body& b, int64_t gates) {
  Builder& builder = b.builder();
  Tensor x = b.In("x"), w = Fixed(OfTypeOf(x, b.In("w"), "w")), r = Fixed(OfTypeOf(x, b.In("r"), "r"));
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3) {
    Fail("x, w and r have ranks {}, {} and {}, but need 3", x.rank(), w.rank(), r.rank());
  }
  const int directions = static_cast<int>(r.dim(0).value());
  const Dim hidden = r.dim(2), batch = x.dim(1), d(directions), n = hidden;
  if (r.dim(1) != hidden * Dim(gates) || w.dim(1) != r.dim(1)) {
    Fail("w and r have shapes {} and {}, which do not fit {} gates", ToString(w.shape()), ToString(r.shape()), gates);
  }
  const std::string direction = b.Str("direction");
  if (directions != (direction == "bidirectional" ? 2 : 1) || w.dim(0) != r.dim(0)) {
    Fail("direction is {}, but the weights are for {}", direction, directions);
  }
  std::vector<const char*> defaults = {"Tanh"};
  if (gates == 3) defaults = {"Sigmoid", "Tanh"};
  if (gates == 4) defaults = {"Sigmoid", "Tanh", "Tanh"};
  Activations functions = ReadActivations(b, directions, defaults);
  const double clip = b.Float("clip");
  functions.coefficients.insert(functions.coefficients.begin(), clip > 0 ? clip : HUGE_VAL);
  const auto numbers = static_cast<int64_t>(functions.coefficients.size());
  Tensor coefficients = builder.Constant(LiteralFromDoubles(x.dtype(), {numbers}, functions.coefficients));
  Tensor bias = OrZeros(b, "b", {d, hidden * Dim(2 * gates)}, x);
  Tensor wb = Slice(bias, 1, 0, hidden * Dim(gates)), rb = Slice(bias, 1, hidden * Dim(gates), hidden * Dim(gates));
  Tensor new_gate = Full(builder, {d, n}, x.dtype(), 0);
  if (gates == 3) {  // the recurrent bias of the new gate is multiplied by the reset gate
    new_gate = Slice(rb, 1, hidden * Dim(2), hidden);
    rb = Concat({Slice(rb, 1, 0, hidden * Dim(2)), Full(builder, {d, n}, x.dtype(), 0)}, 1);
  }
  Tensor xw = InputProducts(x, w) + Reshape(wb + rb, {d, Dim(1), Dim(1), hidden * Dim(gates)});
  const Shape state = {d, batch, n};
  const bool lstm = gates == 4;
  Tensor h0 = OrZeros(b, "initial_h", state, x);
  Tensor c0 = lstm ? OrZeros(b, "initial_c", state, x) : Full(builder, state, x.dtype(), 0);
  const Shape three = {d, hidden * Dim(3)};
  Tensor peepholes = lstm ? OrZeros(b, "p", three, x) : Full(builder, three, x.dtype(), 0);
  Tensor lengths = b.Has("sequence_lens") ? BroadcastTo(Cast(b.Raw("sequence_lens"), DType::kI64), {batch})
                                          : BroadcastTo(builder.FromDim(DType::kI64, x.dim(0)), {batch});
  auto code = [&](int direction_index, int k) { return functions.codes[3 * direction_index + k]; };
  const int last = directions - 1;
  std::vector<CallAttr> attrs = {
      {"gates", gates},
      {"reverse", direction == "reverse" ? 1 : direction == "bidirectional" ? 2 : 0},
      {"f0", code(0, 0)}, {"g0", code(0, 1)}, {"h0", code(0, 2)},
      {"f1", code(last, 0)}, {"g1", code(last, 1)}, {"h1", code(last, 2)},
      {"peepholes", lstm && b.Has("p")},
      {"reset_after", gates == 3 ? b.Int("linear_before_reset") : 0},
      {"input_forget", lstm ? b.Int("input_forget") : 0}};
  const TensorType state_type{x.dtype(), state};
  std::vector<Tensor> y = Call("recurrent", {xw, SwapLast(r), h0, c0, lengths, peepholes, new_gate, coefficients},
                               {{x.dtype(), {x.dim(0), d, batch, n}}, state_type, state_type}, attrs);
  b.Out("y", y[0]);
  b.Out("y_h", y[1]);
  if (lstm) b.Out("y_c", y[2]);
}

ModelEdge Permuted(OnnxNode& n, ModelEdge x, const std::vector<int64_t>& perm) {
  return x.node < 0 ? x : n.Emit("Transpose", {x, n.ConstInts(perm)});
}

void OnnxRecurrent(OnnxNode& n, const char* ge_op, int inputs, bool plain) {
  const bool batch_first = n.Int("layout", 0) != 0;
  AttrMap attrs = {{"direction", n.Str("direction", "forward")}, {"hidden_size", n.Int("hidden_size", 0)}};
  if (n.HasAttr("clip")) attrs["clip"] = n.Float("clip", 0);
  if (n.HasAttr("activations")) attrs["activations"] = n.Strs("activations");
  if (n.HasAttr("activation_alpha")) attrs["activation_alpha"] = n.Floats("activation_alpha");
  if (n.HasAttr("activation_beta")) attrs["activation_beta"] = n.Floats("activation_beta");
  if (n.HasAttr("input_forget")) attrs["input_forget"] = n.Int("input_forget", 0);
  if (n.HasAttr("linear_before_reset")) attrs["linear_before_reset"] = n.Int("linear_before_reset", 0);
  if (plain) attrs["plain"] = int64_t{1};
  std::vector<ModelEdge> edges;
  for (int i = 0; i < inputs; ++i) {
    ModelEdge e = i < n.input_count() ? n.Input(i) : ModelEdge{};
    const bool by_batch = i == 0 || i == 5 || i == 6;
    edges.push_back(batch_first && by_batch ? Permuted(n, e, {1, 0, 2}) : e);
  }
  std::vector<ModelEdge> y = n.EmitN(ge_op, edges, attrs, 0);
  if (n.HasOutput(0)) n.Output(0, batch_first ? Permuted(n, y[0], {2, 0, 1, 3}) : y[0]);
  for (int i = 1; i < static_cast<int>(y.size()); ++i) {
    if (n.HasOutput(i)) n.Output(i, batch_first ? Permuted(n, y[i], {1, 0, 2}) : y[i]);
  }
}

}  // namespace

BELAY_OP(CommonLSTM) {
  op.FromOnnx("LSTM", 1, [](OnnxNode& n) { OnnxRecurrent(n, "CommonLSTM", 8, false); });
  op.Dtypes("x", kFloats).Computes([](Body& b) { RecurrentBody(b, 4); });
}

// ONNX's plain RNN has no GE twin; it comes as a CommonGRU marked `plain`, with one gate.
BELAY_OP(CommonGRU) {
  op.FromOnnx("GRU", 1, [](OnnxNode& n) { OnnxRecurrent(n, "CommonGRU", 6, false); });
  op.FromOnnx("RNN", 1, [](OnnxNode& n) { OnnxRecurrent(n, "CommonGRU", 6, true); });
  op.Dtypes("x", kFloats).Computes([](Body& b) {
    RecurrentBody(b, HiddenInt(b, "plain", 0) ? 1 : 3);
  });
}

}  // namespace belay
