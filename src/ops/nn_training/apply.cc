// Steps of optimisers: a variable and its slots take new values. The forms that end in D show the slots as outputs.
#include "ops/support.h"

namespace belay {
namespace {

// An input of one element, or an attribute.
Tensor Number(Body& b, const char* name, DType dtype) {
  const Prototype& prototype = *FindPrototype(b.node().type);
  if (FindInput(prototype, name) < 0) return b.builder().Scalar(dtype, b.Float(name));
  const Tensor t = b.In(name);
  if (!NumElements(t.shape()).IsConst(1)) Fail("{} has shape {}, but must be one number", name, ToString(t.shape()));
  return Cast(Reshape(t, {}), dtype);
}

// The numbers of one step, in the dtype that the variable is computed in.
struct Step {
  explicit Step(Body& body) : b(body), var(b.In("var")) {}
  Tensor In(const char* name) const { return Cast(b.In(name), var.dtype()); }
  Tensor Scalar(const char* name) const { return Number(b, name, var.dtype()); }
  void Set(const char* name, const Tensor& value) const {
    if (FindOutput(*FindPrototype(b.node().type), name) >= 0) {
      b.OutAs(name, value, b.Raw(name).dtype());
    } else {
      b.Write(name, value);
    }
  }
  Body& b;
  Tensor var;
};

void GradientDescent(const Step& s) { s.Set("var", s.var - s.Scalar("alpha") * s.In("delta")); }

void MomentumOf(const Step& s, const Tensor& grad) {
  const Tensor lr = s.Scalar("lr"), momentum = s.Scalar("momentum");
  const Tensor accum = s.In("accum") * momentum + grad;
  s.Set("accum", accum);
  s.Set("var", s.b.Bool("use_nesterov") ? s.var - (grad * lr + accum * momentum * lr) : s.var - accum * lr);
}
void Momentum(const Step& s) { MomentumOf(s, s.In("grad")); }
void FusedMomentum(const Step& s) { MomentumOf(s, s.In("x1") * s.Scalar("x2")); }

void KerasMomentum(const Step& s) {
  const Tensor step = s.In("grad") * s.Scalar("lr"), momentum = s.Scalar("momentum");
  const Tensor accum = s.In("accum") * momentum - step;
  s.Set("accum", accum);
  s.Set("var", s.b.Bool("use_nesterov") ? s.var + accum * momentum - step : s.var + accum);
}

// The first and second moments of the gradient, and the rate without their bias.
struct Moments {
  explicit Moments(const Step& s)
      : grad(s.In("grad")), beta1(s.Scalar("beta1")), epsilon(s.Scalar("epsilon")),
        m(s.In("m") + (grad - s.In("m")) * (1.0 - beta1)),
        v(s.In("v") + (Square(grad) - s.In("v")) * (1.0 - s.Scalar("beta2"))),
        rate(s.Scalar("lr") * Sqrt(1.0 - s.Scalar("beta2_power")) / (1.0 - s.Scalar("beta1_power"))) {
    s.Set("m", m);
    s.Set("v", v);
  }
  Tensor grad, beta1, epsilon, m, v, rate;
};

void Adam(const Step& s) {
  const Moments t(s);
  const Tensor first = s.b.Bool("use_nesterov") ? t.m * t.beta1 + (1.0 - t.beta1) * t.grad : t.m;
  s.Set("var", s.var - t.rate * first / (Sqrt(t.v) + t.epsilon));
}

void Amsgrad(const Step& s) {
  const Moments t(s);
  const Tensor largest = Max(s.In("vhat"), t.v);
  s.Set("vhat", largest);
  s.Set("var", s.var - t.rate * t.m / (Sqrt(largest) + t.epsilon));
}

// Weights decay apart from the gradient. The powers come as they were before the step.
void AdamW(const Step& s) {
  const Tensor beta1 = s.Scalar("beta1"), beta2 = s.Scalar("beta2"), lr = s.Scalar("lr");
  const Tensor grad = s.b.Bool("maximize") ? -s.In("grad") : s.In("grad");
  const Tensor m = s.In("m") * beta1 + grad * (1.0 - beta1), v = s.In("v") * beta2 + Square(grad) * (1.0 - beta2);
  Tensor second = v;
  if (s.b.Bool("amsgrad")) {
    second = Max(s.In("max_grad_norm"), v);
    s.Set("max_grad_norm", second);
  }
  const Tensor correction1 = 1.0 - s.Scalar("beta1_power") * beta1, correction2 = 1.0 - s.Scalar("beta2_power") * beta2;
  const Tensor bottom = Sqrt(second / correction2) + s.Scalar("epsilon");
  s.Set("m", m);
  s.Set("v", v);
  s.Set("var", s.var * (1.0 - lr * s.Scalar("weight_decay")) - lr * m / correction1 / bottom);
}

void AdaMax(const Step& s) {
  const Tensor grad = s.In("grad"), beta1 = s.Scalar("beta1");
  const Tensor m = s.In("m") + (grad - s.In("m")) * (1.0 - beta1);
  const Tensor v = Max(s.Scalar("beta2") * s.In("v"), Abs(grad));
  s.Set("m", m);
  s.Set("v", v);
  s.Set("var", s.var - s.Scalar("lr") / (1.0 - s.Scalar("beta1_power")) * (m / (v + s.Scalar("epsilon"))));
}

void AdagradOf(const Step& s, bool with_epsilon) {
  const Tensor grad = s.In("grad");
  Tensor accum = s.In("accum");
  if (s.b.Bool("update_slots")) accum = accum + Square(grad);
  s.Set("accum", accum);
  const Tensor root = with_epsilon ? Sqrt(accum) + s.Scalar("epsilon") : Sqrt(accum);
  s.Set("var", s.var - s.Scalar("lr") * grad / root);
}
void Adagrad(const Step& s) { AdagradOf(s, false); }
void AdagradV2(const Step& s) { AdagradOf(s, true); }

void RmsPropOf(const Step& s, bool centered) {
  const Tensor grad = s.In("grad"), fresh = 1.0 - s.Scalar("rho");
  const Tensor ms = s.In("ms") + (Square(grad) - s.In("ms")) * fresh;
  Tensor spread = ms + s.Scalar("epsilon");
  if (centered) {
    const Tensor mg = s.In("mg") + (grad - s.In("mg")) * fresh;
    s.Set("mg", mg);
    spread = spread - Square(mg);
  }
  const Tensor mom = s.In("mom") * s.Scalar("momentum") + s.Scalar("lr") * grad / Sqrt(spread);
  s.Set("ms", ms);
  s.Set("mom", mom);
  s.Set("var", s.var - mom);
}
void RmsProp(const Step& s) { RmsPropOf(s, false); }
void CenteredRmsProp(const Step& s) { RmsPropOf(s, true); }

void Adadelta(const Step& s) {
  const Tensor grad = s.In("grad"), rho = s.Scalar("rho"), epsilon = s.Scalar("epsilon");
  const Tensor accum = s.In("accum") * rho + Square(grad) * (1.0 - rho), before = s.In("accum_update");
  const Tensor update = Sqrt(before + epsilon) / Sqrt(accum + epsilon) * grad;
  s.Set("accum", accum);
  s.Set("accum_update", before * rho + Square(update) * (1.0 - rho));
  s.Set("var", s.var - s.Scalar("lr") * update);
}

// sign(x) max(|x| - rate l1, 0) / (1 + rate l2)
Tensor Proximal(const Step& s, const Tensor& x, const Tensor& rate) {
  return Sign(x) * Max(Abs(x) - rate * s.Scalar("l1"), 0.0) / (1.0 + rate * s.Scalar("l2"));
}
void ProximalGradientDescent(const Step& s) {
  const Tensor alpha = s.Scalar("alpha");
  s.Set("var", Proximal(s, s.var - alpha * s.In("delta"), alpha));
}
void ProximalAdagrad(const Step& s) {
  const Tensor grad = s.In("grad"), accum = s.In("accum") + Square(grad), rate = s.Scalar("lr") / Sqrt(accum);
  s.Set("accum", accum);
  s.Set("var", Proximal(s, s.var - rate * grad, rate));
}

// var -= lr * strength(sign_decay * sign(grad) * sign(m)) * grad
void SignOf(const Step& s, bool power) {
  const Tensor grad = s.In("grad"), beta = s.Scalar("beta");
  const Tensor m = s.In("m") * beta + grad * (1.0 - beta);
  const Tensor agree = s.Scalar("sign_decay") * Sign(grad) * Sign(m);
  s.Set("m", m);
  const Tensor strength = power ? Exp(s.Scalar("logbase") * agree) : s.Scalar("alpha") + agree;
  s.Set("var", s.var - s.Scalar("lr") * strength * grad);
}
void AddSign(const Step& s) { SignOf(s, false); }
void PowerSign(const Step& s) { SignOf(s, true); }

void FtrlOf(const Step& s, bool shrinks) {
  const Tensor grad = s.In("grad"), old = s.In("accum"), accum = old + Square(grad);
  const Tensor lr = s.Scalar("lr"), power = -s.Scalar("lr_power"), l1 = s.Scalar("l1");
  const Tensor pull = shrinks ? grad + 2.0 * s.Scalar("l2_shrinkage") * s.var : grad;
  const Tensor linear = s.In("linear") + pull - (Pow(accum, power) - Pow(old, power)) / lr * s.var;
  const Tensor quadratic = Pow(accum, power) / lr + 2.0 * s.Scalar("l2");
  s.Set("accum", accum);
  s.Set("linear", linear);
  s.Set("var", Select(Greater(Abs(linear), l1), (Sign(linear) * l1 - linear) / quadratic, ZeroLike(linear)));
}
void Ftrl(const Step& s) { FtrlOf(s, false); }
void FtrlV2(const Step& s) { FtrlOf(s, true); }

using StepFn = void (*)(const Step&);
void Optimizer(OpRecord& op, StepFn step, std::vector<std::string> slots = {}) {
  op.Dtypes("var", kFloats).Writes(std::move(slots)).Computes([step](Body& b) { step(Step(b)); });
}

}  // namespace

BELAY_OP(ApplyGradientDescent) { Optimizer(op, GradientDescent); }
BELAY_OP(ApplyProximalGradientDescent) { Optimizer(op, ProximalGradientDescent); }
BELAY_OP(ApplyMomentum) { Optimizer(op, Momentum, {"accum"}); }
BELAY_OP(ApplyMomentumD) { Optimizer(op, Momentum); }
BELAY_OP(FusedMulApplyMomentum) { Optimizer(op, FusedMomentum); }
BELAY_OP(ApplyKerasMomentum) { Optimizer(op, KerasMomentum, {"accum"}); }
BELAY_OP(ApplyKerasMomentumD) { Optimizer(op, KerasMomentum); }
BELAY_OP(ApplyAdam) { Optimizer(op, Adam, {"m", "v"}); }
BELAY_OP(ApplyAdamD) { Optimizer(op, Adam); }
BELAY_OP(ApplyAdamWithAmsgrad) { Optimizer(op, Amsgrad, {"m", "v", "vhat"}); }
BELAY_OP(ApplyAdamWithAmsgradV2) { Optimizer(op, Amsgrad); }
BELAY_OP(ApplyAdamW) { Optimizer(op, AdamW, {"max_grad_norm"}); }
BELAY_OP(ApplyAdaMax) { Optimizer(op, AdaMax, {"m", "v"}); }
BELAY_OP(ApplyAdaMaxD) { Optimizer(op, AdaMax); }
BELAY_OP(ApplyAdagrad) { Optimizer(op, Adagrad, {"accum"}); }
BELAY_OP(ApplyAdagradD) { Optimizer(op, Adagrad); }
BELAY_OP(ApplyAdagradV2) { Optimizer(op, AdagradV2, {"accum"}); }
BELAY_OP(ApplyAdagradV2D) { Optimizer(op, AdagradV2); }
BELAY_OP(ApplyProximalAdagrad) { Optimizer(op, ProximalAdagrad, {"accum"}); }
BELAY_OP(ApplyRMSProp) { Optimizer(op, RmsProp, {"ms", "mom"}); }
BELAY_OP(ApplyRMSPropD) { Optimizer(op, RmsProp); }
BELAY_OP(ApplyCenteredRMSProp) { Optimizer(op, CenteredRmsProp, {"mg", "ms", "mom"}); }
BELAY_OP(ApplyAdadelta) { Optimizer(op, Adadelta, {"accum", "accum_update"}); }
BELAY_OP(ApplyAdadeltaD) { Optimizer(op, Adadelta); }
BELAY_OP(ApplyAddSign) { Optimizer(op, AddSign, {"m"}); }
BELAY_OP(ApplyPowerSign) { Optimizer(op, PowerSign, {"m"}); }
BELAY_OP(ApplyFtrl) { Optimizer(op, Ftrl, {"accum", "linear"}); }
BELAY_OP(ApplyFtrlD) { Optimizer(op, Ftrl); }
BELAY_OP(ApplyFtrlV2) { Optimizer(op, FtrlV2, {"accum", "linear"}); }
BELAY_OP(ApplyFtrlV2D) { Optimizer(op, FtrlV2); }

}  // namespace belay
