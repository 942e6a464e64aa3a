#include "ops/numbers/measure.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>

#include "compile/lower.h"
#include "ops/driver/model.h"
#include "ops/numbers/exact.h"
#include "support/engine.h"

namespace belay {
namespace {

constexpr int64_t kCount = 60000;
constexpr size_t kSamples = 4;

bool IsFunction(ScalarOp op) {
  return (op >= ScalarOp::kExp && op <= ScalarOp::kSigmoid) || op == ScalarOp::kPow || op == ScalarOp::kAtan2;
}
bool IsRounded(ScalarOp op) {
  switch (op) {
    case ScalarOp::kAdd: case ScalarOp::kSub: case ScalarOp::kMul: case ScalarOp::kDiv: case ScalarOp::kFloorDiv:
    case ScalarOp::kMod: case ScalarOp::kFMod: case ScalarOp::kSqrt: case ScalarOp::kRsqrt: case ScalarOp::kRecip:
    case ScalarOp::kFma: return true;
    default: return IsFunction(op);
  }
}

void Classify(const Graph& graph, OpNumbers* op, int* roundings) {
  const auto at_least = [op](NumberClass c) { op->number_class = std::max(op->number_class, c); };
  for (const Node* node : TopologicalOrder(graph)) {
    const bool rounded = node->op == Op::kMap && IsFloat(node->type.dtype) && IsRounded(node->scalar);
    *roundings += rounded;
    if (rounded) at_least(IsFunction(node->scalar) ? NumberClass::kTranscendental : NumberClass::kElementwise);
    const bool sums = node->reduce == ReduceKind::kSum || node->reduce == ReduceKind::kProd;
    if (sums) at_least(NumberClass::kReduction);
    if (node->op == Op::kContract || node->op == Op::kConv) at_least(NumberClass::kContraction);
    if (node->op == Op::kCall) at_least(NumberClass::kLibrary);
    const bool plain = node->op == Op::kMap || node->op == Op::kInput || node->op == Op::kConst ||
                       node->op == Op::kBroadcast || node->op == Op::kReshape;
    op->is_map = op->is_map && plain;
    for (const auto& sub : node->subgraphs) Classify(*sub, op, roundings);
  }
}

bool IsSample(const OpCase& c) {
  if (!c.error.empty() || c.inputs.empty()) return false;
  bool any = false;
  for (const InputCase& in : c.inputs) {
    any = any || in.value->dtype == DType::kF32;
    if (in.value->NumElements() == 0 || in.value->dtype == DType::kF16 || in.value->dtype == DType::kBF16) return false;
  }
  return any;
}

double Wild(std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(1, 2), near(-12, 12);
  const double sign = random() & 1 ? -1 : 1;
  const auto scaled = [&](int lo, int hi) {
    return sign * std::ldexp(unit(random), lo + static_cast<int>(random() % static_cast<uint64_t>(hi - lo)));
  };
  static constexpr double kSpecial[] = {0.0, 1, 0.5, 2, INFINITY, 3.4028234e38, 1.1754944e-38, 1e-45, 88.7,
                                        103.9, 127.5, 1e5};
  switch (random() % 16) {
    case 0: return sign * kSpecial[random() % std::size(kSpecial)];
    case 1: return scaled(-149, -126);
    case 2: return scaled(-126, -30);
    case 3: return scaled(30, 127);
    case 4: return random() % 8 ? sign * (1 + scaled(-23, -1)) : std::numeric_limits<double>::quiet_NaN();
    case 5: case 6: case 7: case 8: return scaled(-30, 30);
    default: return near(random);
  }
}

// The sample with long inputs of wild numbers, where its inputs are all of one shape; else as long as it is.
OpCase WithWildInputs(OpCase c) {
  std::mt19937_64 random(7);
  const std::vector<int64_t> first = c.inputs[0].value->dims;
  const bool same = std::all_of(c.inputs.begin(), c.inputs.end(),
                                [&](const InputCase& in) { return !in.is_const && in.value->dims == first; });
  for (InputCase& in : c.inputs) {
    if (in.is_const) continue;
    const std::vector<int64_t> dims = same ? std::vector<int64_t>{kCount} : in.value->dims;
    if (in.value->dtype != DType::kF32) {
      if (same) in.value = RandomLiteral(in.value->dtype, dims, 0, 5, random());
      continue;
    }
    std::vector<double> values(static_cast<size_t>(same ? kCount : in.value->NumElements()));
    for (double& v : values) v = Wild(random);
    in.value = LiteralFromDoubles(DType::kF32, dims, values);
  }
  c.golden.clear();
  c.golden_after.clear();
  return c;
}

double UlpOf(long double exact) {
  const int exponent = exact == 0 ? -126 : std::max(-126, static_cast<int>(std::ilogb(exact)));
  return std::ldexp(1.0, std::min(exponent, 127) - 23);
}

// Where several roundings make a result, what overflows or has lost digits on the way says nothing of the last ones.
bool IsTame(float got, long double exact) {
  return std::isfinite(got) && std::isfinite(exact) && std::fabs(exact) >= 0x1p-100L;
}

double UlpsFrom(float got, long double exact, bool signed_zeros) {
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) && std::isnan(got) ? 0 : INFINITY;
  const long double beyond = std::ldexp(2.0L - std::ldexp(1.0L, -24), 127);  // rounds to infinity
  if (std::isinf(got)) return std::fabs(exact) >= beyond && std::signbit(got) == std::signbit(exact) ? 0 : INFINITY;
  if (std::isinf(exact)) return INFINITY;
  if (signed_zeros && got == 0 && exact == 0 && std::signbit(got) != std::signbit(exact)) return INFINITY;
  return static_cast<double>(std::fabs(got - exact) / UlpOf(exact));
}

Result<std::vector<long double>> Exactly(const OpCase& c, bool* by_definition) {
  std::vector<long double> values;
  const ExactFn exact = c.attrs.empty() ? ExactOf(c.op) : nullptr;
  *by_definition = exact != nullptr;
  if (exact) {
    std::vector<std::vector<double>> in;
    for (const InputCase& i : c.inputs) in.push_back(LiteralToDoubles(*i.value));
    for (int64_t k = 0; k < c.inputs[0].value->NumElements(); ++k) {
      long double x[4] = {};
      for (size_t i = 0; i < in.size() && i < 4; ++i) x[i] = in[i][in[i].size() == 1 ? 0 : static_cast<size_t>(k)];
      values.push_back(exact(x));
    }
    return values;
  }
  OpCase wide = c;
  for (InputCase& in : wide.inputs) {
    if (in.value->dtype == DType::kF32) {
      in.value = LiteralFromDoubles(DType::kF64, in.value->dims, LiteralToDoubles(*in.value));
    }
  }
  for (auto& [name, value] : wide.attrs) {  // attributes are f32 whatever the tensors are
    if (double* number = std::get_if<double>(&value)) *number = static_cast<float>(*number);
  }
  const BuiltModel built = Build(wide, true);
  BELAY_TRY(Literals out, RunOnReference(*built.model, built.inputs));
  if (out[0]->dtype != DType::kF64) return NotSupported("its output is {} for f64", DTypeName(out[0]->dtype));
  for (double v : LiteralToDoubles(*out[0])) values.push_back(v);
  return values;
}

std::string At(const OpCase& c, size_t k, float got, long double exact) {
  std::string text;
  for (const InputCase& in : c.inputs) {
    const std::vector<double> v = LiteralToDoubles(*in.value);
    text += fmt::format("{}={:.9g} ", in.name, v[std::min(k, v.size() - 1)]);
  }
  return fmt::format("{}: {:.9g}, not {:.9g}", text, got, static_cast<double>(exact));
}

void MeasureSample(const OpCase& sample, bool one_rounding, Error* worst) {
  const OpCase c = WithWildInputs(sample);
  bool by_definition = false;
  if (Build(c, true).model->outputs.empty()) {
    worst->why_not = "it has no output";
    return;
  }
  Result<std::vector<long double>> exact = Exactly(c, &by_definition);
  if (!exact.ok()) {
    worst->why_not = exact.status().message();
    return;
  }
  const BuiltModel built = Build(c, true);
  Result<Literals> got = RunOnEngine(built.model, built.inputs);
  if (!got.ok() || (*got)[0]->dtype != DType::kF32) {
    worst->why_not = got.ok() ? "its output is no f32" : got.status().message();
    return;
  }
  if ((*got)[0]->NumElements() != static_cast<int64_t>(exact->size())) {
    worst->why_not = "it is no map";
    return;
  }
  const float* values = (*got)[0]->as<float>();
  worst->by_definition = worst->by_definition || by_definition;
  worst->ulps = std::max(worst->ulps, 0.0);
  for (size_t k = 0; k < exact->size(); ++k) {
    if (!one_rounding && !IsTame(values[k], (*exact)[k])) continue;
    const double ulps = UlpsFrom(values[k], (*exact)[k], by_definition);
    if (ulps <= worst->ulps) continue;
    worst->ulps = ulps;
    worst->at = At(c, k, values[k], (*exact)[k]);
  }
}

}  // namespace

const char* NumberClassName(NumberClass c) {
  static constexpr const char* kNames[] = {"exact", "elementwise", "transcendental",
                                          "reduction", "contraction", "library"};
  return kNames[static_cast<int>(c)];
}

std::map<std::string, OpNumbers> ReadOps(const std::string& folder) {
  std::map<std::string, OpNumbers> ops;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".cases") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    for (const OpCase& c : ReadCaseFile(path).cases) {
      OpNumbers& op = ops[c.op];
      ++op.cases;
      if (!c.error.empty()) continue;
      const bool sample = IsSample(c) && op.samples.size() < kSamples &&
                          std::none_of(op.samples.begin(), op.samples.end(),
                                       [&](const OpCase& s) { return s.attrs.size() == c.attrs.size(); });
      if (!sample && op.cases > 1 && !op.samples.empty()) continue;
      const BuiltModel built = Build(c, true);
      LowerOptions options;
      Result<Lowered> lowered = Lower(*built.model, options);
      if (lowered.ok() && !lowered->graph) {
        for (int i : lowered->needs_contents) options.input_contents[i] = built.inputs.at(static_cast<size_t>(i));
        lowered = Lower(*built.model, options);
      }
      if (!lowered.ok() || !lowered->graph) continue;
      int roundings = 0;
      Classify(*lowered->graph, &op, &roundings);
      op.one_rounding = sample && op.samples.empty() ? roundings <= 1 : op.one_rounding && roundings <= 1;
      if (sample) op.samples.push_back(c);
    }
  }
  return ops;
}

Error MeasureError(const OpNumbers& op) {
  Error worst;
  for (const OpCase& sample : op.samples) {
    if (sample.attrs.empty() || !ExactOf(sample.op)) MeasureSample(sample, op.one_rounding, &worst);
  }
  return worst;
}

}  // namespace belay
