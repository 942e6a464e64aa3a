#include "ops/sequence.h"

#include <algorithm>

#include "base/narrow.h"

namespace belay {
namespace {

constexpr DType kSequence = DType::kResource;
constexpr int64_t kMostPieces = 256;  // more are cut when it runs

TensorType TypeOf(ElementTypePtr element) { return {kSequence, {}, std::move(element)}; }

// Library functions copy elements without knowing what they are.
Tensor Stored(const Tensor& x) { return IsRunValue(x.dtype()) ? x : Bitcast(x, StorageOf(x.dtype())); }

ElementTypePtr TypeOfElements(const std::vector<Tensor>& elements, DType dtype) {
  ElementTypePtr all = std::make_shared<ElementType>(ElementType{false, dtype});
  for (const Tensor& t : elements) {
    if (t.dtype() != elements[0].dtype()) {
      Fail("elements of one sequence are {} and {}", DTypeName(elements[0].dtype()), DTypeName(t.dtype()));
    }
    all = JoinElements(all, std::make_shared<ElementType>(
                                ElementType{false, t.dtype(), t.rank(), t.node()->type.element}));
  }
  return all;
}

Tensor Construct(Builder& b, const std::vector<Tensor>& elements, ElementTypePtr type) {
  std::vector<Tensor> inputs;
  for (const Tensor& t : elements) inputs.push_back(Stored(t));
  if (inputs.empty()) inputs.push_back(b.ScalarInt(DType::kI64, 0));  // a call has inputs
  const auto count = static_cast<int64_t>(elements.size());
  std::vector<CallAttr> attrs = {
      {"elements", count}, {"dtype", static_cast<int64_t>(type->dtype)}, {"optional", type->optional}};
  return Call("sequence_construct", inputs, {TypeOf(type)}, std::move(attrs))[0];
}

// A call that returns an element, whose extents only the run knows.
Tensor CallForElement(const char* callee, const std::vector<Tensor>& inputs, const ElementType& type,
                      std::vector<CallAttr> attrs = {}) {
  Builder& b = inputs[0].builder();
  TensorType result{IsRunValue(type.dtype) ? type.dtype : StorageOf(type.dtype), {}, type.element};
  std::vector<int> binds;
  for (int d = 0; d < type.rank; ++d) result.shape.push_back(b.NewBound("extent", &binds));
  attrs.emplace_back("dtype", static_cast<int64_t>(type.dtype));
  return Bitcast(Call(callee, inputs, {result}, std::move(attrs), binds)[0], type.dtype);
}

const ElementType& KnownType(const Tensor& sequence) {
  const ElementTypePtr& type = sequence.node()->type.element;
  if (!type) FailNotSupported("a sequence of whose elements nothing is known");
  return *type;
}

// Of elements that are about to be read.
const ElementType& ReadableType(const Tensor& sequence) {
  const ElementType& type = KnownType(sequence);
  if (type.rank == ElementType::kNone) FailNotSupported("reading elements of a sequence that has none yet");
  if (type.rank == ElementType::kAnyRank) FailNotSupported("reading elements of a sequence whose ranks are not known");
  return type;
}

size_t Place(int64_t position, size_t elements, size_t places) {
  const int64_t at = position < 0 ? position + static_cast<int64_t>(elements) : position;
  if (at < 0 || at >= static_cast<int64_t>(places)) {
    Fail("position {} is outside a sequence of {} elements", position, elements);
  }
  return static_cast<size_t>(at);
}

Tensor AsPosition(const Tensor& position) {
  if (NumElements(position.shape()) != Dim(1)) Fail("a position has shape {}", ToString(position.shape()));
  return Reshape(Cast(position, DType::kI64), {});
}

// What a position says now: `fallback` without one, nothing where it is only known when it runs.
std::optional<int64_t> Given(const Tensor& position, int64_t fallback) {
  return position ? KnownNumber(AsPosition(position)) : fallback;
}

void CheckSequence(const Tensor& t) {
  if (t.dtype() != kSequence) Fail("a sequence is needed, not a tensor of {}", DTypeName(t.dtype()));
}

// The sizes of the pieces, where they and the axis are known; otherwise none.
std::vector<int64_t> KnownSizes(const Dim& extent, const Tensor& sizes) {
  std::vector<int64_t> all;
  if (!extent.IsConst()) return all;
  if (!sizes || sizes.rank() == 0) {
    const std::optional<int64_t> size = sizes ? KnownNumber(sizes) : 1;
    if (!size) return all;
    if (*size <= 0) Fail("split is {}, but must be positive", *size);
    if (extent.value() > *size * kMostPieces) return all;
    for (int64_t at = 0; at < extent.value(); at += *size) all.push_back(std::min(*size, extent.value() - at));
    return all;
  }
  const auto& contents = sizes.node()->contents;
  if (!contents) return all;
  int64_t sum = 0;
  for (const Dim& d : *contents) {
    if (!d.IsConst()) return {};
    if (d.value() < 0) Fail("split has the size {}", d.value());
    all.push_back(d.value());
    sum += d.value();
  }
  if (sum != extent.value()) Fail("the sizes of split give {} in all, but the axis has {}", sum, extent.value());
  return all;
}

}  // namespace

Tensor MakeSequence(Builder& b, const std::vector<Tensor>& elements, DType dtype) {
  return Construct(b, elements, TypeOfElements(elements, elements.empty() ? dtype : elements[0].dtype()));
}

Tensor MakeOptional(Builder& b, const std::vector<Tensor>& element, ElementTypePtr type) {
  if (!element.empty() || !type) type = TypeOfElements(element, DType::kUndefined);
  auto optional = std::make_shared<ElementType>(*type);
  optional->optional = true;
  if (element.empty()) optional->rank = ElementType::kNone;
  return Construct(b, element, optional);
}

std::optional<std::vector<Tensor>> KnownElements(const Tensor& sequence) {
  const Node& node = *sequence.node();
  if (node.op != Op::kCall || node.callee != "sequence_construct") return std::nullopt;
  const auto dtype = static_cast<DType>(AttrOf(node.attrs, "dtype", 0));
  std::vector<Tensor> elements;
  for (int64_t i = 0; i < AttrOf(node.attrs, "elements", 0); ++i) {
    elements.push_back(Bitcast(sequence.builder().Wrap(node.inputs[i]), dtype));
  }
  return elements;
}

bool IsOptional(const Tensor& sequence) {
  const ElementTypePtr& type = sequence.node()->type.element;
  return type && type->optional;
}

std::optional<int64_t> KnownNumber(const Tensor& x) {
  const auto& contents = x.node()->contents;
  if (!contents || contents->size() != 1 || !(*contents)[0].IsConst()) return std::nullopt;
  return (*contents)[0].value();
}

Tensor LengthOf(const Tensor& sequence) {
  CheckSequence(sequence);
  Builder& b = sequence.builder();
  if (auto elements = KnownElements(sequence)) return b.ScalarInt(DType::kI64, static_cast<int64_t>(elements->size()));
  return Call("sequence_length", {sequence}, {{DType::kI64, {}}}, {})[0];
}

Tensor ElementAt(const Tensor& sequence, const Tensor& position) {
  CheckSequence(sequence);
  const auto elements = KnownElements(sequence);
  const auto at = Given(position, 0);
  if (elements && at) return (*elements)[Place(*at, elements->size(), elements->size())];
  return CallForElement("sequence_at", {sequence, AsPosition(position)}, ReadableType(sequence));
}

Tensor Insert(const Tensor& sequence, const Tensor& element, const Tensor& position) {
  CheckSequence(sequence);
  Builder& b = sequence.builder();
  auto elements = KnownElements(sequence);
  const auto at = Given(position, elements ? static_cast<int64_t>(elements->size()) : 0);
  if (elements && at) {
    const size_t place = Place(*at, elements->size(), elements->size() + 1);
    elements->insert(elements->begin() + static_cast<std::ptrdiff_t>(place), element);
    return MakeSequence(b, *elements);
  }
  const ElementTypePtr& before = sequence.node()->type.element;
  if (before && before->dtype != DType::kUndefined && before->dtype != element.dtype()) {
    Fail("a {} cannot be an element of a sequence of {}", DTypeName(element.dtype()), DTypeName(before->dtype));
  }
  std::vector<Tensor> inputs = {sequence, Stored(element)};
  if (position) inputs.push_back(AsPosition(position));
  return Call("sequence_insert", inputs,
              {TypeOf(JoinElements(before, TypeOfElements({element}, element.dtype())))},
              {{"dtype", static_cast<int64_t>(element.dtype())}})[0];
}

Tensor Erase(const Tensor& sequence, const Tensor& position) {
  CheckSequence(sequence);
  auto elements = KnownElements(sequence);
  const auto at = Given(position, -1);
  if (elements && at) {
    const size_t place = Place(*at, elements->size(), elements->size());
    const DType dtype = (*elements)[place].dtype();
    elements->erase(elements->begin() + static_cast<std::ptrdiff_t>(place));
    return MakeSequence(sequence.builder(), *elements, dtype);
  }
  std::vector<Tensor> inputs = {sequence};
  if (position) inputs.push_back(AsPosition(position));
  return Call("sequence_erase", inputs, {sequence.node()->type}, {})[0];
}

Tensor ConcatElements(const Tensor& sequence, int64_t axis, bool new_axis) {
  CheckSequence(sequence);
  if (auto elements = KnownElements(sequence)) {
    if (elements->empty()) Fail("an empty sequence has nothing to concatenate");
    const int at = NormalizeAxis(axis, (*elements)[0].rank() + (new_axis ? 1 : 0), "axis");
    for (Tensor& t : *elements) t = new_axis ? Unsqueeze(t, {at}) : t;
    return Concat(*elements, at);
  }
  ElementType type = ReadableType(sequence);
  if (type.dtype == kSequence) Fail("the elements are sequences, but tensors are needed");
  type.rank += new_axis ? 1 : 0;
  return CallForElement("sequence_concat", {sequence}, type,
                        {{"axis", NormalizeAxis(axis, type.rank, "axis")}, {"new_axis", new_axis}});
}

Tensor SplitIntoSequence(const Tensor& x, int64_t axis, const Tensor& sizes, bool keep) {
  const int at = NormalizeAxis(axis, x.rank(), "axis");
  keep = keep || sizes;
  if (sizes && sizes.rank() > 1) Fail("split has rank {}, but 0 or 1 is taken", sizes.rank());
  const std::vector<int64_t> known = KnownSizes(x.dim(at), sizes);
  std::vector<Tensor> pieces;
  int64_t start = 0;
  for (int64_t size : known) {
    Tensor piece = Slice(x, at, start, size);
    pieces.push_back(keep ? piece : Squeeze(piece, {at}));
    start += size;
  }
  if (!pieces.empty()) return MakeSequence(x.builder(), pieces);
  std::vector<Tensor> inputs = {Stored(x)};
  if (sizes) inputs.push_back(Cast(sizes, DType::kI64));
  auto type = std::make_shared<ElementType>(ElementType{false, x.dtype(), x.rank() - (keep ? 0 : 1)});
  return Call("sequence_split", inputs, {TypeOf(type)},
              {{"axis", at}, {"keep", keep}, {"dtype", static_cast<int64_t>(x.dtype())}})[0];
}

Tensor HasElement(const Tensor& optional) {
  Builder& b = optional.builder();
  if (optional.dtype() != kSequence) return b.ScalarInt(DType::kBool, 1);
  if (auto elements = KnownElements(optional)) {
    return b.ScalarInt(DType::kBool, !IsOptional(optional) || !elements->empty());
  }
  return Call("optional_has", {optional}, {{DType::kBool, {}}}, {})[0];
}

Tensor GetElement(const Tensor& optional) {
  if (optional.dtype() != kSequence) return optional;
  const ElementType& type = KnownType(optional);
  if (!type.optional) return optional;
  if (auto elements = KnownElements(optional)) {
    if (elements->empty()) Fail("the optional is empty");
    return (*elements)[0];
  }
  return CallForElement("optional_get", {optional}, ReadableType(optional));
}

}  // namespace belay
