#include "graph/op_record.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace belay {

const std::vector<DType> kFloats = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64};
const std::vector<DType> kIntegers = {DType::kI8,  DType::kI16, DType::kI32, DType::kI64,
                                      DType::kU8,  DType::kU16, DType::kU32, DType::kU64};
const std::vector<DType> kIndices = {DType::kI32, DType::kI64};
const std::vector<DType> kBools = {DType::kBool};
const std::vector<DType> kNumbers = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,
                                     DType::kI8,  DType::kI16, DType::kI32,  DType::kI64,
                                     DType::kU8,  DType::kU16, DType::kU32,  DType::kU64};
const std::vector<DType> kAnyDtype = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI8,
                                      DType::kI16, DType::kI32, DType::kI64,  DType::kU8,  DType::kU16,
                                      DType::kU32, DType::kU64, DType::kBool};

namespace {

Tensor Lift(const Tensor& t) { return IsHalf(t.dtype()) ? Cast(t, DType::kF32) : t; }

// "{1,-1}" -> 1, -1; a plain number is a list of one.
std::vector<double> ParseNumbers(const char* text) {
  std::vector<double> values;
  for (const char* p = text; *p;) {
    char* end = nullptr;
    double v = std::strtod(p, &end);
    if (end != p) {
      values.push_back(v);
      p = end;
    } else {
      ++p;
    }
  }
  return values;
}

std::string Unquote(const char* text) {
  std::string s = text;
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') s = s.substr(1, s.size() - 2);
  return s;
}

}  // namespace

Body::Body(Builder& b, const ModelNode& node, const Prototype& prototype, std::vector<Tensor> inputs,
           std::vector<Tensor> captures)
    : b_(b), node_(node), prototype_(prototype), inputs_(std::move(inputs)), captures_(std::move(captures)),
      outputs_(node.output_ports.size()), writes_(inputs_.size() + captures_.size()) {}

int Body::InputIndex(const char* input) const {
  for (size_t i = 0; i < node_.input_ports.size(); ++i) {
    if (node_.input_ports[i].name == input) return static_cast<int>(i);
  }
  return -1;
}

bool Body::Has(const char* input) const {
  int i = InputIndex(input);
  return i >= 0 && inputs_[i];
}

Tensor Body::Raw(const char* input) const {
  if (!Has(input)) Fail("input {} is required, but not connected", input);
  return inputs_[InputIndex(input)];
}

Tensor Body::In(const char* input) const { return Lift(Raw(input)); }

Tensor Body::Optional(const char* input) const { return Has(input) ? Raw(input) : Tensor(); }

std::vector<Tensor> Body::RawIns(const char* input) const {
  std::vector<Tensor> all;
  for (size_t i = 0; i < node_.input_ports.size(); ++i) {
    if (node_.input_ports[i].name == input && inputs_[i]) all.push_back(inputs_[i]);
  }
  return all;
}

std::vector<Tensor> Body::Ins(const char* input) const {
  std::vector<Tensor> all = RawIns(input);
  for (Tensor& t : all) t = Lift(t);
  return all;
}

namespace {

// The graph inputs that decide a value; their contents would make it known.
std::vector<int> GraphInputsBehind(Builder& b, const Tensor& t, const char* input) {
  std::vector<int> found;
  for (const Node* n : NodesBehind(t.builder().graph(), t.node())) {
    if (n->op == Op::kInput) found.push_back(n->index);
  }
  // Of what a refused node would have made nobody can say whether it will be known.
  if (std::any_of(found.begin(), found.end(), [](int index) { return index < 0; })) return found;
  if (&b.graph() != &b.root() || found.empty()) {
    FailNotSupported("the contents of input {} are only known at run time", input);
  }
  return found;
}

[[noreturn]] void ValueUnknown(Builder& b, const Tensor& t, const char* input) {
  throw NeedsContents{GraphInputsBehind(b, t, input)};
}

// A literal of another kind gives no numbers at all.
void CheckCount(const Literal& literal, size_t count, const char* input, const char* wanted) {
  if (static_cast<int64_t>(count) == literal.NumElements()) return;
  Fail("input {} is {}, but must be {}", input, DTypeName(literal.dtype), wanted);
}

}  // namespace

bool Body::IsKnownBefore(const char* input) const {
  const Tensor t = Raw(input);
  if (t.node()->contents || t.node()->literal) return true;
  if (&b_.graph() != &b_.root()) return false;
  const std::vector<const Node*> behind = NodesBehind(b_.graph(), t.node());
  return std::none_of(behind.begin(), behind.end(), [](const Node* n) {
    return n->op == Op::kIf || n->op == Op::kWhile || n->op == Op::kCall;
  });
}

std::vector<Dim> Body::Dims(const char* input) const {
  Tensor t = Raw(input);
  if (!IsInt(t.dtype())) Fail("input {} is {}, but must be an integer", input, DTypeName(t.dtype()));
  if (!t.node()->contents) ValueUnknown(b_, t, input);
  return *t.node()->contents;
}

std::vector<int64_t> Body::ConstInts(const char* input) const {
  Tensor t = Raw(input);
  std::vector<int64_t> values;
  if (t.node()->contents) {
    for (const Dim& d : *t.node()->contents) values.push_back(b_.Fix(d));
    return values;
  }
  if (t.node()->literal) {
    values = LiteralToInts(*t.node()->literal);
    CheckCount(*t.node()->literal, values.size(), input, "an integer");
    return values;
  }
  ValueUnknown(b_, t, input);
}

std::vector<double> Body::ConstFloats(const char* input) const {
  Tensor t = Raw(input);
  if (t.node()->literal) {
    const std::vector<double> values = LiteralToDoubles(*t.node()->literal);
    CheckCount(*t.node()->literal, values.size(), input, "a number");
    return values;
  }
  if (t.node()->contents) {
    std::vector<double> values;
    for (int64_t v : ConstInts(input)) values.push_back(static_cast<double>(v));
    return values;
  }
  ValueUnknown(b_, t, input);
}

void Body::NeedContents(const std::vector<int>& ports) const {
  NeedsContents needs;
  for (int port : ports) {
    const std::vector<int> found = GraphInputsBehind(b_, inputs_[port], node_.input_ports[port].name.c_str());
    needs.graph_inputs.insert(needs.graph_inputs.end(), found.begin(), found.end());
  }
  throw needs;
}

const AttrProto& Body::Proto(const char* attr) const {
  for (const AttrProto& a : prototype_.attrs) {
    if (std::string_view(a.name) == attr) return a;
  }
  throw OpError{Internal("operator {} has no attribute {}", node_.type, attr)};
}

const AttrValue* Body::Find(const char* attr) const {
  auto it = node_.attrs.find(attr);
  if (it != node_.attrs.end() && it->second.index() != 0) return &it->second;
  const AttrProto& proto = Proto(attr);
  if (proto.required) Fail("attribute {} is required, but not set", attr);
  return nullptr;
}

bool Body::HasAttr(const char* attr) const {
  auto it = node_.attrs.find(attr);
  return it != node_.attrs.end() && it->second.index() != 0;
}

namespace {

[[noreturn]] void WrongType(const char* attr, const char* want) {
  Fail("attribute {} must be {}", attr, want);
}

const char* DefaultText(const AttrProto& proto) { return proto.default_text ? proto.default_text : ""; }

}  // namespace

int64_t Body::Int(const char* attr) const {
  if (const AttrValue* v = Find(attr)) {
    if (auto* i = std::get_if<int64_t>(v)) return *i;
    if (auto* b = std::get_if<bool>(v)) return *b;
    if (auto* d = std::get_if<DType>(v)) return static_cast<int64_t>(*d);
    WrongType(attr, "an integer");
  }
  std::vector<double> d = ParseNumbers(DefaultText(Proto(attr)));
  return d.empty() ? 0 : static_cast<int64_t>(d[0]);
}

double Body::Float(const char* attr) const {
  if (const AttrValue* v = Find(attr)) {
    if (auto* f = std::get_if<double>(v)) return *f;
    if (auto* i = std::get_if<int64_t>(v)) return static_cast<double>(*i);
    WrongType(attr, "a float");
  }
  std::vector<double> d = ParseNumbers(DefaultText(Proto(attr)));
  return d.empty() ? 0.0 : static_cast<double>(static_cast<float>(d[0]));
}

bool Body::Bool(const char* attr) const {
  if (const AttrValue* v = Find(attr)) {
    if (auto* b = std::get_if<bool>(v)) return *b;
    if (auto* i = std::get_if<int64_t>(v)) return *i != 0;
    WrongType(attr, "a bool");
  }
  return std::string_view(DefaultText(Proto(attr))) == "true";
}

std::string Body::Layout() const {
  switch (node_.input_formats.empty() ? -1 : node_.input_formats[0]) {
    case 0: return "NCHW";
    case 1: return "NHWC";
    case 27: return "NDHWC";
    case 30: return "NCDHW";
    default: return "";
  }
}

std::string Body::Str(const char* attr) const {
  if (std::string_view(attr) == "data_format") {
    if (std::string declared = Layout(); !declared.empty()) return declared;
  }
  if (const AttrValue* v = Find(attr)) {
    if (auto* s = std::get_if<std::string>(v)) return *s;
    WrongType(attr, "a string");
  }
  return Unquote(DefaultText(Proto(attr)));
}

DType Body::Type(const char* attr) const {
  if (const AttrValue* v = Find(attr)) {
    if (auto* d = std::get_if<DType>(v)) return *d;
    if (auto* i = std::get_if<int64_t>(v)) return static_cast<DType>(*i);
    WrongType(attr, "a data type");
  }
  const AttrProto& proto = Proto(attr);
  DType dtype = DType::kUndefined;
  const char* text = DefaultText(proto);
  if (*text && !ParseDType(text, &dtype)) {
    std::vector<double> number = ParseNumbers(text);
    if (!number.empty()) dtype = static_cast<DType>(static_cast<int>(number[0]));
  }
  return dtype;
}

std::vector<int64_t> Body::Ints(const char* attr) const {
  if (const AttrValue* v = Find(attr)) {
    if (auto* list = std::get_if<std::vector<int64_t>>(v)) return *list;
    if (auto* i = std::get_if<int64_t>(v)) return {*i};
    WrongType(attr, "a list of integers");
  }
  std::vector<int64_t> out;
  for (double d : ParseNumbers(DefaultText(Proto(attr)))) out.push_back(static_cast<int64_t>(d));
  return out;
}

std::vector<double> Body::Floats(const char* attr) const {
  if (const AttrValue* v = Find(attr)) {
    if (auto* list = std::get_if<std::vector<double>>(v)) return *list;
    if (auto* ints = std::get_if<std::vector<int64_t>>(v)) return {ints->begin(), ints->end()};
    WrongType(attr, "a list of floats");
  }
  return ParseNumbers(DefaultText(Proto(attr)));
}

std::vector<std::string> Body::Strs(const char* attr) const {
  const AttrValue* v = Find(attr);
  if (!v) return {};
  if (auto* list = std::get_if<std::vector<std::string>>(v)) return *list;
  WrongType(attr, "a list of strings");
}

LiteralPtr Body::Value(const char* attr) const {
  const AttrValue* v = Find(attr);
  if (!v) return nullptr;
  if (auto* t = std::get_if<LiteralPtr>(v)) return *t;
  WrongType(attr, "a tensor");
}

void Body::OutRaw(const char* output, Tensor value) {
  for (size_t i = 0; i < node_.output_ports.size(); ++i) {
    if (node_.output_ports[i].name == output) {
      outputs_[i] = value;
      return;
    }
  }
}

void Body::OutAs(const char* output, Tensor value, DType dtype) { OutRaw(output, Cast(value, dtype)); }

void Body::Out(const char* output, Tensor value) {
  if (value.dtype() == DType::kF32) {
    for (const Tensor& in : inputs_) {
      if (!in || !IsFloat(in.dtype())) continue;
      if (IsHalf(in.dtype())) value = Cast(value, in.dtype());
      break;
    }
  }
  OutRaw(output, value);
}

void Body::Outs(const char* output, const std::vector<Tensor>& values) {
  size_t next = 0;
  for (size_t i = 0; i < node_.output_ports.size() && next < values.size(); ++i) {
    if (node_.output_ports[i].name == output) outputs_[i] = values[next++];
  }
}

int Body::OutCount(const char* output) const {
  return static_cast<int>(std::count_if(node_.output_ports.begin(), node_.output_ports.end(),
                                        [&](const ModelPort& p) { return p.name == output; }));
}

bool Body::Wants(const char* output) const { return OutCount(output) > 0; }

void Body::Write(const char* input, Tensor value) {
  if (!Has(input)) return;
  const int i = InputIndex(input);
  writes_[i] = Cast(value, inputs_[i].dtype());
}

int Body::ArgumentIndex(const char* input, size_t argument) const {
  size_t next = 0;
  for (size_t i = 0; i < node_.input_ports.size(); ++i) {
    if (node_.input_ports[i].name != input || !inputs_[i]) continue;
    if (next++ == argument) return static_cast<int>(i);
  }
  return static_cast<int>(inputs_.size() + argument - next);
}

std::vector<Tensor> Body::Arguments(const char* input) const {
  std::vector<Tensor> all = RawIns(input);
  all.insert(all.end(), captures_.begin(), captures_.end());
  return all;
}

void Body::WriteArgument(const char* input, size_t argument, Tensor value) {
  writes_[ArgumentIndex(input, argument)] = value;
}

void Body::SameMemory(const char* output, int instance, const char* input, size_t argument) {
  for (size_t i = 0; i < node_.output_ports.size(); ++i) {
    if (node_.output_ports[i].name != output || instance-- > 0) continue;
    same_memory_.emplace_back(static_cast<int>(i), ArgumentIndex(input, argument));
    return;
  }
}

std::vector<Tensor> Body::TakeOutputs() { return std::move(outputs_); }

void OnnxNode::OutputAll(const std::vector<ModelEdge>& values) {
  if (output_count() > static_cast<int>(values.size())) Fail(fmt::format("it has {} outputs", output_count()));
  for (int i = 0; i < output_count(); ++i) {
    if (HasOutput(i)) Output(i, values[i]);
  }
}

ModelEdge OnnxNode::ConstInts(const std::vector<int64_t>& values, DType dtype) {
  return Const(LiteralFromInts(dtype, {static_cast<int64_t>(values.size())}, values));
}

ModelEdge OnnxNode::ConstScalar(DType dtype, double value) {
  return Const(LiteralFromDoubles(dtype, {}, {value}));
}

void OnnxNode::Fail(const std::string& what) const { throw OpError{InvalidArgument("{}", what)}; }

OpRecord& OpRecord::Dtypes(const char* input, std::vector<DType> allowed) {
  dtypes.emplace_back(input, std::move(allowed));
  return *this;
}

OpRecord& OpRecord::FromOnnx(const char* onnx_op, int since,
                             std::vector<std::pair<const char*, const char*>> renames) {
  const OpRecord* self = this;
  return FromOnnx(onnx_op, since, [self, renames](OnnxNode& n) {
    AttrMap attrs;
    for (const AttrProto& a : self->prototype->attrs) {
      const char* from = a.name;
      for (auto& [onnx_name, ge_name] : renames) {
        if (std::string_view(ge_name) == a.name) from = onnx_name;
      }
      if (!n.HasAttr(from)) continue;
      const std::string_view type = a.type;
      if (type == "Int") attrs[a.name] = n.Int(from, 0);
      if (type == "Bool") attrs[a.name] = n.Int(from, 0) != 0;
      if (type == "Float") attrs[a.name] = n.Float(from, 0);
      if (type == "String") attrs[a.name] = n.Str(from, "");
      if (type == "ListInt") {
        attrs[a.name] = n.Ints(from).empty() ? std::vector<int64_t>{n.Int(from, 0)} : n.Ints(from);
      }
      if (type == "ListFloat") attrs[a.name] = n.Floats(from);
      if (type == "ListString") attrs[a.name] = n.Strs(from);
      if (type == "Tensor") attrs[a.name] = n.TensorAttr(from);
    }
    std::vector<ModelEdge> inputs;
    for (int i = 0; i < n.input_count(); ++i) inputs.push_back(n.Input(i));
    std::vector<ModelEdge> outputs = n.EmitN(self->type.c_str(), inputs, attrs, n.output_count());
    for (int i = 0; i < n.output_count() && i < static_cast<int>(outputs.size()); ++i) {
      n.Output(i, outputs[i]);
    }
  });
}

OpRecord& OpRecord::FromOnnx(const char* onnx_op, int since, OnnxRuleFn rule) {
  onnx.push_back({onnx_op, since, std::move(rule)});
  return *this;
}

OpRecord& OpRecord::Computes(std::function<void(Body&)> fn) {
  computes = std::move(fn);
  return *this;
}

OpRecord& OpRecord::Writes(std::vector<std::string> inputs) {
  writes = std::move(inputs);
  return *this;
}

OpRecord& OpRecord::IsView() {
  is_view = true;
  return *this;
}

OpRecord& OpRecord::Declares(std::function<VariableDecl(Body&)> fn) {
  declares = std::move(fn);
  return *this;
}

namespace {

// Filled at first use: no static constructors, and records do not move (rules point at them).
struct Registry {
  std::vector<OpRecord> records;
  std::unordered_map<std::string, const OpRecord*> by_type;
  std::unordered_map<std::string, std::vector<const OnnxRule*>> by_onnx;  // ascending `since`

  Registry() : records(kOpRegistrySize) {
    for (int i = 0; i < kOpRegistrySize; ++i) {
      OpRecord& r = records[i];
      r.type = kOpRegistry[i].type;
      r.prototype = FindPrototype(r.type);
      BELAY_CHECK(r.prototype != nullptr);  // every record has a row in data/ops
      kOpRegistry[i].fill(r);
      by_type[r.type] = &r;
    }
    for (const OpRecord& r : records) {
      for (const OnnxRule& rule : r.onnx) by_onnx[rule.op].push_back(&rule);
    }
    for (auto& [op, rules] : by_onnx) {
      std::sort(rules.begin(), rules.end(),
                [](const OnnxRule* x, const OnnxRule* y) { return x->since < y->since; });
    }
  }
};

const Registry& TheRegistry() {
  static const Registry* const registry = new Registry();
  return *registry;
}

}  // namespace

const OpRecord* FindOpRecord(const std::string& type) {
  const auto& map = TheRegistry().by_type;
  auto it = map.find(type);
  return it == map.end() ? nullptr : it->second;
}

const OnnxRule* FindOnnxRule(const std::string& op, int opset) {
  const auto& map = TheRegistry().by_onnx;
  auto it = map.find(op);
  if (it == map.end()) return nullptr;
  const OnnxRule* best = nullptr;
  for (const OnnxRule* rule : it->second) {
    if (rule->since <= opset) best = rule;
  }
  return best;
}

std::vector<const OpRecord*> AllOpRecords() {
  std::vector<const OpRecord*> all;
  for (const OpRecord& r : TheRegistry().records) all.push_back(&r);
  return all;
}

std::vector<std::string> OnnxOpsOf(const OpRecord& record) {
  std::vector<std::string> ops;
  for (const OnnxRule& rule : record.onnx) {
    if (std::find(ops.begin(), ops.end(), rule.op) == ops.end()) ops.push_back(rule.op);
  }
  return ops;
}

}  // namespace belay
