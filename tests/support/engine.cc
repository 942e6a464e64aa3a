#include "support/engine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "backend/memory.h"
#include "backend/stream.h"
#include "base/narrow.h"
#include "base/texts.h"
#include "compile/lower.h"
#include "execute/loaded_graph.h"
#include "graph/interpret.h"
#include "session/session.h"
#include "support/sequence.h"

namespace belay {
namespace {

// Device memory that holds a literal.
class DeviceTensor {
 public:
  static Result<DeviceTensor> From(const Literal& x) {
    DeviceTensor t;
    if (IsRunValue(x.dtype)) {
      const std::vector<uint8_t> bytes = PublicBytes(x);
      BELAY_RETURN_IF_ERROR(t.Allocate(x.dtype, x.dims, bytes.size()));
      std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(t.view_.data));
      return t;
    }
    BELAY_RETURN_IF_ERROR(t.Allocate(x.dtype, x.dims, static_cast<size_t>(x.ByteSize())));
    if (t.view_.bytes) std::memcpy(t.view_.data, x.data(), t.view_.bytes);
    return t;
  }
  // Filled with a pattern, so that elements nobody wrote show.
  static Result<DeviceTensor> Like(const TensorView& v) {
    DeviceTensor t;
    BELAY_RETURN_IF_ERROR(t.Allocate(v.dtype, {v.dims, v.dims + v.rank}, v.bytes));
    std::memset(t.view_.data, 0x7b, v.bytes);
    return t;
  }
  DeviceTensor(DeviceTensor&& o) noexcept : view_(std::exchange(o.view_, {})) {}
  DeviceTensor& operator=(DeviceTensor&& o) noexcept {
    std::swap(view_, o.view_);
    return *this;
  }
  ~DeviceTensor() {
    if (view_.data) (void)FreeMemory(view_.data);
  }
  const TensorView& view() const { return view_; }

 private:
  DeviceTensor() = default;
  Status Allocate(DType dtype, const std::vector<int64_t>& dims, size_t bytes) {
    BELAY_TRY(view_.data, AllocateMemory(MemoryKind::kDevice, std::max<size_t>(bytes, 1)));
    view_.bytes = bytes;
    view_.dtype = dtype;
    view_.rank = static_cast<int>(dims.size());
    std::copy(dims.begin(), dims.end(), view_.dims);
    return OkStatus();
  }
  TensorView view_;
};

LiteralPtr RunValueToLiteral(DType dtype, std::vector<int64_t> dims, const void* data, size_t bytes) {
  if (dtype == DType::kResource) {
    auto literal = std::make_shared<Literal>();
    literal->dtype = dtype;
    const std::string all(static_cast<const char*>(data), bytes);
    literal->strings = std::make_shared<std::vector<std::string>>(1, all);
    return literal;
  }
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  std::vector<std::string_view> texts;
  if (!UnpackTexts(data, bytes, static_cast<size_t>(count), &texts)) texts.assign(count, "not a string tensor");
  return LiteralFromTexts(std::move(dims), {texts.begin(), texts.end()});
}

LiteralPtr ToLiteral(const TensorView& v) {
  if (IsRunValue(v.dtype)) return RunValueToLiteral(v.dtype, {v.dims, v.dims + v.rank}, v.data, v.bytes);
  return Literal::Copy(v.dtype, {v.dims, v.dims + v.rank}, v.data);
}

// Enqueues one run.
using Launch =
    std::function<Status(const std::vector<TensorView>& inputs, std::vector<TensorView>& outputs)>;

const std::shared_ptr<Stream>& TestStream() {
  static const auto* const stream = new std::shared_ptr<Stream>(MakeStream());
  return *stream;
}

Literals Contents(const std::vector<TensorView>& views) {
  Literals values;
  for (const TensorView& v : views) values.push_back(ToLiteral(v));
  return values;
}

Result<Literals> ExecuteOnce(const Launch& launch, const std::vector<TensorView>& inputs,
                             std::vector<TensorView>* outputs) {
  BELAY_RETURN_IF_ERROR(launch(inputs, *outputs));
  BELAY_RETURN_IF_ERROR(TestStream()->Synchronize());
  return Contents(*outputs);
}

bool SameBytes(const Literal& a, const Literal& b) {
  if (IsRunValue(a.dtype)) return a.dims == b.dims && a.dtype == b.dtype && *a.strings == *b.strings;
  return a.dims == b.dims && a.dtype == b.dtype &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.ByteSize())) == 0;
}

Result<Literals> RunTwice(const Launch& launch, size_t output_count, const Literals& inputs, Literals* after) {
  std::vector<DeviceTensor> owners;
  std::vector<TensorView> views;
  for (const LiteralPtr& x : inputs) {
    BELAY_TRY(DeviceTensor t, DeviceTensor::From(*x));
    views.push_back(t.view());
    owners.push_back(std::move(t));
  }
  std::vector<TensorView> outputs(output_count);
  Result<Literals> first = ExecuteOnce(launch, views, &outputs);
  std::vector<TensorView> given;
  std::vector<DeviceTensor> given_owners;
  for (const TensorView& v : outputs) {
    if (first.ok()) {
      BELAY_TRY(DeviceTensor t, DeviceTensor::Like(v));
      given.push_back(t.view());
      given_owners.push_back(std::move(t));
    }
    if (v.data) (void)FreeMemory(v.data);
  }
  if (!first.ok()) return first;
  const Literals left = Contents(views);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<uint8_t> bytes = PublicBytes(*inputs[i]);
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(views[i].data));
  }
  BELAY_TRY(Literals second, ExecuteOnce(launch, views, &given));
  for (size_t i = 0; i < second.size(); ++i) {
    if (!SameBytes(*(*first)[i], *second[i])) return Internal("two runs differ in output {}", i);
  }
  const Literals left_again = Contents(views);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!SameBytes(*left[i], *left_again[i])) return Internal("two runs differ in what they leave in input {}", i);
  }
  if (after) *after = left;
  return second;
}

double MapWeight(const Node& node) {
  switch (node.scalar) {
    case ScalarOp::kCast:
    case ScalarOp::kBitcast:
    case ScalarOp::kSelect:
    case ScalarOp::kMax:
    case ScalarOp::kMin:
    case ScalarOp::kNeg:
    case ScalarOp::kAbs:
    case ScalarOp::kSign:
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
    case ScalarOp::kTrunc:
    case ScalarOp::kCopySign: return 0;
    default: break;
  }
  const bool function = (node.scalar >= ScalarOp::kExp && node.scalar <= ScalarOp::kSigmoid) ||
                        node.scalar == ScalarOp::kPow || node.scalar == ScalarOp::kAtan2;
  return function ? 4 : 2;
}

// How many elements one result of the node adds up; 0 when it adds none.
double Terms(const Node& node) {
  auto value = [](const Dim& d) { return d.IsConst() ? static_cast<double>(d.value()) : 4096.0; };
  double terms = 1;
  switch (node.op) {
    case Op::kReduce:
      for (int axis : node.axes) terms *= value(node.inputs[0]->shape()[axis]);
      return terms;
    case Op::kScan: return value(node.shape()[node.axes[0]]);
    case Op::kContract: return value(node.inputs[0]->shape().back());
    case Op::kConv: terms = value(node.inputs[1]->shape()[node.rank() - 2]); [[fallthrough]];
    case Op::kPool:
      for (int64_t k : node.window->kernel) terms *= static_cast<double>(k);
      return terms;
    case Op::kScatter:
      return node.reduce == ReduceKind::kNone ? 0 : value(NumElements(node.inputs[1]->shape()));
    default: return 0;
  }
}

int64_t Ordered(float v) {
  const int32_t bits = std::bit_cast<int32_t>(v);
  return bits < 0 ? int64_t{INT32_MIN} - bits : bits;
}
int64_t Ordered(double v) {
  const int64_t bits = std::bit_cast<int64_t>(v);
  return bits < 0 ? INT64_MIN - bits : bits;
}

int64_t OrderedHalf(const uint16_t bits) { return bits & 0x8000 ? -int64_t{bits & 0x7fff} : bits; }

double UlpsApart(const Literal& a, const Literal& b, int64_t i) {
  int64_t x, y;
  switch (a.dtype) {
    case DType::kF32: x = Ordered(a.as<float>()[i]), y = Ordered(b.as<float>()[i]); break;
    case DType::kF64: x = Ordered(a.as<double>()[i]), y = Ordered(b.as<double>()[i]); break;
    default: x = OrderedHalf(a.as<uint16_t>()[i]), y = OrderedHalf(b.as<uint16_t>()[i]);
  }
  return std::fabs(static_cast<double>(x) - static_cast<double>(y));
}

// Graphs take and give elements that share bytes, texts and sequences as u8.
LiteralPtr AsStored(const LiteralPtr& x) {
  if (StorageOf(x->dtype) == x->dtype) return x;
  if (IsRunValue(x->dtype)) {
    const std::vector<uint8_t> bytes = PublicBytes(*x);
    return Literal::Copy(DType::kU8, {static_cast<int64_t>(bytes.size())}, bytes.data());
  }
  if (!IsNarrow(x->dtype)) return Literal::Copy(StorageOf(x->dtype), x->dims, x->data());
  const bool packed = BitWidth(x->dtype) < 8;
  return Literal::Copy(DType::kU8, packed ? std::vector<int64_t>{x->ByteSize()} : x->dims, x->data());
}

LiteralPtr AsDeclared(const LiteralPtr& x, const TensorType& type, const std::vector<int64_t>& symbols) {
  if (StorageOf(type.dtype) == type.dtype) return x;
  if (!IsNarrow(type.dtype) && !IsRunValue(type.dtype)) return Literal::Copy(type.dtype, x->dims, x->data());
  std::vector<int64_t> dims;
  for (const Dim& d : type.shape) dims.push_back(d.Evaluate(symbols));
  if (IsRunValue(type.dtype)) {
    return RunValueToLiteral(type.dtype, dims, x->data(), static_cast<size_t>(x->ByteSize()));
  }
  return Literal::Copy(type.dtype, dims, x->data());
}

}  // namespace

Result<Literals> RunOnEngine(std::shared_ptr<ModelGraph> model, const Literals& inputs, Literals* after) {
  Session session(1, {});
  BELAY_RETURN_IF_ERROR(session.AddGraph(
      0, "test", [model]() -> Result<std::shared_ptr<ModelGraph>> { return model; }, {}));
  BELAY_RETURN_IF_ERROR(session.CompileGraph(0));
  BELAY_RETURN_IF_ERROR(session.LoadGraph(0, {}, TestStream()));
  auto launch = [&](const std::vector<TensorView>& in, std::vector<TensorView>& out) {
    return session.Execute(0, TestStream(), in, out);
  };
  return RunTwice(launch, model->outputs.size(), inputs, after);
}

Result<Literals> RunPlan(const std::shared_ptr<const Plan>& plan, const Literals& inputs, Literals* after) {
  std::vector<InputSignature> signatures;
  for (const TensorType& type : plan->inputs) {
    InputSignature signature{"x", type.dtype, {}};
    for (const Dim& d : type.shape) signature.dims.push_back(d.IsConst() ? d.value() : -1);
    signatures.push_back(std::move(signature));
  }
  auto no_variants = [](const auto&, const auto&, const auto&, auto*) -> Result<std::shared_ptr<const Plan>> {
    return Internal("a guard of the plan does not hold");
  };
  auto graph =
      std::make_shared<LoadedGraph>("test", signatures, plan->outputs.size(), plan, no_variants);
  auto launch = [&](const std::vector<TensorView>& in, std::vector<TensorView>& out) {
    return graph->Execute(TestStream(), in, out);
  };
  return RunTwice(launch, plan->outputs.size(), inputs, after);
}

Result<Literals> RunOnReference(const ModelGraph& model, const Literals& inputs,
                                std::shared_ptr<const Graph>* lowered_out, Literals* after) {
  ModelGraph fixed = model;
  for (ModelNode& node : fixed.nodes) {
    if (node.type != "Data") continue;
    const int64_t* index = std::get_if<int64_t>(&node.attrs["index"]);
    node.output_descs.at(0).dims = inputs.at(index ? static_cast<size_t>(*index) : 0)->dims;
  }
  LowerOptions options;
  BELAY_TRY(Lowered lowered, Lower(fixed, options));
  if (!lowered.graph) {
    for (int i : lowered.needs_contents) options.input_contents[i] = inputs.at(i);
    BELAY_TRY(lowered, Lower(fixed, options));
  }
  if (!lowered.graph) return Internal("the graph asks for contents twice");
  BELAY_RETURN_IF_ERROR(VerifyGraph(*lowered.graph));
  Literals stored;
  for (const LiteralPtr& x : inputs) stored.push_back(AsStored(x));
  std::vector<int64_t> symbols;
  BELAY_TRY(Literals values, Interpret(*lowered.graph, stored, {}, &symbols));
  const size_t outputs = lowered.graph->outputs.size();
  if (after) *after = inputs;
  for (size_t k = 0; after && k < lowered.graph->stores.size(); ++k) {
    const size_t input = static_cast<size_t>(lowered.graph->stores[k].input);
    after->at(input) = AsDeclared(values[outputs + k], lowered.inputs[input], symbols);
  }
  values.resize(outputs);
  for (size_t k = 0; k < values.size(); ++k) values[k] = AsDeclared(values[k], lowered.outputs[k], symbols);
  if (lowered_out) *lowered_out = std::move(lowered.graph);
  return values;
}

Tolerance ToleranceFor(const Graph& graph) {
  double sum = 0, largest = 0, terms = 0;
  int roundings = 0;
  for (const Node* node : TopologicalOrder(graph)) {
    const double weight = node->op == Op::kMap && IsFloat(node->type.dtype) ? MapWeight(*node) : 0;
    const double added = Terms(*node);
    terms = std::max(terms, added);
    sum += weight;
    largest = std::max(largest, weight);
    roundings += (weight > 0) + (added > 0);
    if (node->op == Op::kCall || !node->subgraphs.empty()) roundings += 2;
  }
  if (roundings <= 1 && terms == 0) return {largest, 0, 0};
  return {std::max(largest, 2.0), std::ldexp(2 * std::sqrt(terms) + sum, -23), 0};
}

LiteralPtr ComplexFromPairs(const Literal& pairs) {
  return Literal::Copy(DType::kC64, {pairs.dims.begin(), pairs.dims.end() - 1}, pairs.data());
}

std::string Compare(const Literal& got, const Literal& want, const Tolerance& tolerance) {
  if (got.dtype == DType::kC64 && want.dtype == DType::kC64) {
    auto pairs = [](const Literal& x) {
      std::vector<int64_t> dims = x.dims;
      dims.push_back(2);
      return Literal::Copy(DType::kF32, dims, x.data());
    };
    return Compare(*pairs(got), *pairs(want), tolerance);
  }
  auto type = [](const Literal& x) {
    return ToString(TensorType{x.dtype, Shape(x.dims.begin(), x.dims.end())});
  };
  if (got.dtype != want.dtype || got.dims != want.dims)
    return "is " + type(got) + ", not " + type(want);
  const int64_t n = want.NumElements();
  if (want.dtype == DType::kResource) return *got.strings == *want.strings ? "" : "is another sequence";
  if (want.dtype == DType::kString) {
    for (int64_t i = 0; i < n; ++i) {
      const std::string &x = (*got.strings)[i], &y = (*want.strings)[i];
      if (x != y) return fmt::format("element {} is '{}', not '{}'", i, x, y);
    }
    return "";
  }
  if (IsNarrow(want.dtype)) {
    const LiteralPtr a = Unpacked(got), b = Unpacked(want);
    for (int64_t i = 0; i < n; ++i) {
      const int x = a->as<uint8_t>()[i], y = b->as<uint8_t>()[i];
      if (x != y) return fmt::format("element {} has code {}, not {}", i, x, y);
    }
    return "";
  }
  if (!IsFloat(want.dtype)) {
    const std::vector<int64_t> a = LiteralToInts(got), b = LiteralToInts(want);
    for (int64_t i = 0; i < n; ++i) {
      if (a[i] != b[i]) return fmt::format("element {} is {}, not {}", i, a[i], b[i]);
    }
    return "";
  }
  const std::vector<double> a = LiteralToDoubles(got), b = LiteralToDoubles(want);
  double magnitude = 0;
  for (double v : b) {
    if (std::isfinite(v)) magnitude = std::max(magnitude, std::fabs(v));
  }
  // A half may land on the other side of a rounding boundary.
  const double ulps = IsHalf(want.dtype) ? 1 : tolerance.ulps;
  double worst = 0;
  std::string text;
  for (int64_t i = 0; i < n; ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double apart =
        std::isfinite(a[i]) && std::isfinite(b[i]) ? UlpsApart(got, want, i) : HUGE_VAL;
    const double error = std::fabs(a[i] - b[i]);
    if (apart <= ulps || error <= tolerance.relative * magnitude || error <= tolerance.absolute ||
        apart < worst)
      continue;
    worst = apart;
    text = fmt::format(
        "element {} is {:.9g}, not {:.9g}: {} ulp, {:.2e} of the largest (allowed: {} ulp, {:.2e} "
        "of it, or {:.2e})",
        i, a[i], b[i], apart, magnitude > 0 ? error / magnitude : 0.0, ulps, tolerance.relative,
        tolerance.absolute);
  }
  return text;
}

LiteralPtr RandomLiteral(DType dtype, std::vector<int64_t> dims, double lo, double hi,
                         uint64_t seed) {
  if (dtype == DType::kC64) {
    dims.push_back(2);
    return ComplexFromPairs(*RandomLiteral(DType::kF32, std::move(dims), lo, hi, seed));
  }
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u + 1);
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  std::vector<double> values(static_cast<size_t>(n));
  for (double& v : values) {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
    v = IsFloat(dtype)          ? lo + (hi - lo) * unit
        : dtype == DType::kBool ? static_cast<double>(unit < 0.5)
                                : std::floor(lo + (hi - lo + 1) * unit);
  }
  return LiteralFromDoubles(dtype, std::move(dims), values);
}

}  // namespace belay
