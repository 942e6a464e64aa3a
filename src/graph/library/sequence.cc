// Sequences and optionals: tensors hold their numbers, the elements lie in the run's values.
#include <algorithm>
#include <cstring>

#include "base/narrow.h"
#include "base/sequences.h"
#include "base/texts.h"
#include "graph/library.h"

namespace belay {
namespace {

using Element = RunSequence::Element;
constexpr int kMostLevels = 64;  // of sequences in sequences, which users' memory may hold

Result<const RunSequence*> SequenceOf(const LibraryCall& call, int64_t number) {
  const RunSequence* sequence = call.values->FindSequence(number);
  if (!sequence) return Internal("{} is the number of no sequence", number);
  return sequence;
}
Result<const RunSequence*> SequenceOf(const LibraryCall& call) {
  return SequenceOf(call, call.inputs[0].as<int64_t>()[0]);
}

Element ElementOf(const LibraryBuffer& x, DType dtype) {
  return {dtype, Literal::Copy(x.dtype, x.dims, x.data)};
}

DType DTypeOf(const LibraryCall& call) { return static_cast<DType>(call.Attr("dtype")); }

void Return(LibraryCall& call, RunSequence sequence) {
  call.outputs[0].as<int64_t>()[0] = call.values->AddSequence(std::move(sequence));
}

// A position from the front or, when negative, from the back; `places` of them there are.
Result<size_t> Position(const LibraryCall& call, int input, size_t elements, size_t places) {
  const int64_t given = call.inputs[input].as<int64_t>()[0], n = static_cast<int64_t>(elements);
  const int64_t at = given < 0 ? given + n : given;
  if (at < 0 || at >= static_cast<int64_t>(places)) {
    return InvalidArgument("position {} is outside a sequence of {} elements", given, n);
  }
  return static_cast<size_t>(at);
}

std::string TypeText(DType dtype, const std::vector<int64_t>& dims) {
  return fmt::format("{}[{}]", DTypeName(dtype), fmt::join(dims, ","));
}

// Copies an element out as the result, whose extents it decides.
Status Deliver(LibraryCall& call, const Element& e) {
  LibraryBuffer& out = call.outputs[0];
  const std::vector<int64_t>& dims = e.value->dims;
  if (e.dtype != DTypeOf(call) || dims.size() != out.dims.size()) {
    return InvalidArgument("the element is {}, but the graph was compiled for {} of rank {}", TypeText(e.dtype, dims),
                           DTypeName(DTypeOf(call)), out.dims.size());
  }
  if (!out.data && !call.Allocate(0, dims)) return OutOfMemory("no memory for {}", TypeText(e.dtype, dims));
  const int64_t bytes = e.value->ByteSize();
  if (bytes > 0) std::memcpy(out.data, e.value->data(), static_cast<size_t>(bytes));
  call.bound = dims;
  return OkStatus();
}

Result<int64_t> Read(LibraryCall& call, std::string_view bytes, int level);

Result<LiteralPtr> ReadElement(LibraryCall& call, const PackedElement& e, int level) {
  if (e.dtype == DType::kResource) {
    BELAY_TRY(int64_t number, Read(call, e.bytes, level + 1));
    return LiteralFromInts(DType::kI64, {}, {number});
  }
  if (e.dtype == DType::kString) {
    int64_t count = 1;
    for (int64_t d : e.dims) count *= d;
    std::vector<std::string_view> texts;
    if (!UnpackTexts(e.bytes.data(), e.bytes.size(), static_cast<size_t>(count), &texts)) {
      return InvalidArgument("an element's {} bytes do not hold {} strings", e.bytes.size(), count);
    }
    std::vector<int64_t> numbers;
    for (std::string_view text : texts) numbers.push_back(call.values->AddText(text));
    return LiteralFromInts(DType::kI64, e.dims, numbers);
  }
  if (IsNarrow(e.dtype)) return Unpacked(*Literal::Copy(e.dtype, e.dims, e.bytes.data()));
  return LiteralPtr(Literal::Copy(StorageOf(e.dtype), e.dims, e.bytes.data()));
}

Result<int64_t> Read(LibraryCall& call, std::string_view bytes, int level) {
  PackedSequence packed;
  if (level > kMostLevels) return InvalidArgument("sequences lie in each other more than {} levels deep", kMostLevels);
  if (!UnpackSequence(bytes.data(), bytes.size(), &packed)) {
    return InvalidArgument("{} bytes are no sequence or optional: needed are its kind and count, and for each element "
                           "dtype, rank, extents, size and bytes", bytes.size());
  }
  RunSequence sequence;
  sequence.optional = packed.optional;
  for (const PackedElement& e : packed.elements) {
    BELAY_TRY(LiteralPtr value, ReadElement(call, e, level));
    sequence.elements.push_back({e.dtype, std::move(value)});
  }
  return call.values->AddSequence(std::move(sequence));
}

Result<std::vector<uint8_t>> Write(const LibraryCall& call, int64_t number);

Result<std::vector<uint8_t>> WriteElement(const LibraryCall& call, const Element& e) {
  const Literal& x = *e.value;
  if (e.dtype == DType::kResource) return Write(call, x.as<int64_t>()[0]);
  if (e.dtype == DType::kString) {
    std::vector<std::string_view> texts;
    for (int64_t i = 0; i < x.NumElements(); ++i) {
      const std::string* text = call.values->FindText(x.as<int64_t>()[i]);
      if (!text) return Internal("{} is the number of no text", x.as<int64_t>()[i]);
      texts.push_back(*text);
    }
    return PackTexts(texts);
  }
  const LiteralPtr outside = IsNarrow(e.dtype) ? Packed(x, e.dtype) : e.value;
  const auto* bytes = outside->as<uint8_t>();
  return std::vector<uint8_t>(bytes, bytes + outside->ByteSize());
}

Result<std::vector<uint8_t>> Write(const LibraryCall& call, int64_t number) {
  BELAY_TRY(const RunSequence* sequence, SequenceOf(call, number));
  std::vector<std::vector<uint8_t>> bytes;
  PackedSequence packed;
  packed.optional = sequence->optional;
  for (const Element& e : sequence->elements) {
    BELAY_TRY(std::vector<uint8_t> element, WriteElement(call, e));
    bytes.push_back(std::move(element));
    const auto* first = reinterpret_cast<const char*>(bytes.back().data());
    packed.elements.push_back({e.dtype, e.value->dims, {first, bytes.back().size()}});
  }
  return PackSequence(packed);
}

struct Part {
  int64_t start, size;
};

Result<std::vector<Part>> PiecesOf(const LibraryCall& call, int64_t extent) {
  std::vector<Part> pieces;
  const bool given = call.inputs.size() > 1;
  if (!given || call.inputs[1].dims.empty()) {
    const int64_t size = given ? call.inputs[1].as<int64_t>()[0] : 1;
    if (size <= 0) return InvalidArgument("split is {}, but must be positive", size);
    for (int64_t at = 0; at < extent; at += size) pieces.push_back({at, std::min(size, extent - at)});
    return pieces;
  }
  int64_t at = 0;
  for (int64_t i = 0; i < call.inputs[1].NumElements(); ++i) {
    const int64_t size = call.inputs[1].as<int64_t>()[i];
    const int64_t left = extent - at;
    if (size < 0 || size > left) return InvalidArgument("split[{}] is {}, but {} are left", i, size, left);
    pieces.push_back({at, size});
    at += size;
  }
  if (at != extent) return InvalidArgument("the sizes of split give {} in all, but the axis has {}", at, extent);
  return pieces;
}

// A dense tensor as blocks that lie behind each other along one axis.
struct Blocks {
  int64_t count = 1, entry_bytes = 1;
};
Blocks BlocksOf(DType dtype, const std::vector<int64_t>& dims, size_t axis) {
  Blocks blocks{1, BitWidth(dtype) / 8};
  for (size_t d = 0; d < dims.size(); ++d) (d < axis ? blocks.count : blocks.entry_bytes) *= d == axis ? 1 : dims[d];
  return blocks;
}

LiteralPtr CutOut(const LibraryBuffer& x, size_t axis, Part piece, bool keep) {
  std::vector<int64_t> dims = x.dims;
  if (keep) {
    dims[axis] = piece.size;
  } else {
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  auto out = Literal::Allocate(x.dtype, dims);
  const Blocks blocks = BlocksOf(x.dtype, x.dims, axis);
  const auto bytes = static_cast<size_t>(piece.size * blocks.entry_bytes);
  for (int64_t b = 0; bytes && b < blocks.count; ++b) {
    std::memcpy(static_cast<char*>(out->mutable_data()) + b * static_cast<int64_t>(bytes),
                x.as<char>() + (b * x.dims[axis] + piece.start) * blocks.entry_bytes, bytes);
  }
  return out;
}

// The elements' extents with `axis` added where the result has an axis that they lack.
std::vector<int64_t> WithAxis(std::vector<int64_t> dims, size_t axis, bool added) {
  if (added) dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return dims;
}

Result<std::vector<int64_t>> ConcatDims(const LibraryCall& call, const RunSequence& sequence, size_t axis, bool added) {
  const std::vector<Element>& all = sequence.elements;
  if (all.empty()) return InvalidArgument("an empty sequence has nothing to concatenate");
  std::vector<int64_t> dims;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::vector<int64_t>& given = all[i].value->dims;
    bool fits = all[i].dtype == DTypeOf(call) && given.size() + added == call.outputs[0].dims.size();
    if (fits) {
      std::vector<int64_t> own = WithAxis(given, axis, added);
      if (i == 0) dims = own;
      if (i > 0) dims[axis] = own[axis] += dims[axis];
      fits = own == dims;
    }
    if (!fits) {
      return InvalidArgument("elements 0 and {} are {} and {}, which do not fit along axis {}", i,
                             TypeText(all[0].dtype, all[0].value->dims), TypeText(all[i].dtype, given), axis);
    }
  }
  return dims;
}

}  // namespace

// {u8 in the layout of base/sequences.h} -> sequence
Status LibrarySequenceRead(LibraryCall& call) {
  const LibraryBuffer& x = call.inputs[0];
  BELAY_TRY(int64_t number, Read(call, {x.as<char>(), static_cast<size_t>(x.NumElements())}, 0));
  call.outputs[0].as<int64_t>()[0] = number;
  return OkStatus();
}

// sequence -> {u8}; binds the size
Status LibrarySequenceWrite(LibraryCall& call) {
  BELAY_TRY(std::vector<uint8_t> bytes, Write(call, call.inputs[0].as<int64_t>()[0]));
  const auto size = static_cast<int64_t>(bytes.size());
  void* out = call.Allocate(0, {size});
  if (!out) return OutOfMemory("no memory for a sequence of {} bytes", size);
  std::memcpy(out, bytes.data(), bytes.size());
  call.bound = {size};
  return OkStatus();
}

// The first `elements` inputs -> sequence, or an optional
Status LibrarySequenceConstruct(LibraryCall& call) {
  RunSequence sequence;
  sequence.optional = call.Attr("optional") != 0;
  for (int64_t i = 0; i < call.Attr("elements"); ++i) {
    sequence.elements.push_back(ElementOf(call.inputs[i], DTypeOf(call)));
  }
  Return(call, std::move(sequence));
  return OkStatus();
}

// {sequence, element, position} -> sequence; without a position at the end
Status LibrarySequenceInsert(LibraryCall& call) {
  BELAY_TRY(const RunSequence* from, SequenceOf(call));
  RunSequence sequence = *from;
  size_t at = sequence.elements.size();
  if (call.inputs.size() > 2) {
    BELAY_TRY(at, Position(call, 2, at, at + 1));
  }
  sequence.elements.insert(sequence.elements.begin() + static_cast<std::ptrdiff_t>(at),
                           ElementOf(call.inputs[1], DTypeOf(call)));
  Return(call, std::move(sequence));
  return OkStatus();
}

// {sequence, position} -> sequence; without a position the last one goes
Status LibrarySequenceErase(LibraryCall& call) {
  BELAY_TRY(const RunSequence* from, SequenceOf(call));
  RunSequence sequence = *from;
  const size_t count = sequence.elements.size();
  if (count == 0) return InvalidArgument("an empty sequence has no element to erase");
  size_t at = count - 1;
  if (call.inputs.size() > 1) {
    BELAY_TRY(at, Position(call, 1, count, count));
  }
  sequence.elements.erase(sequence.elements.begin() + static_cast<std::ptrdiff_t>(at));
  Return(call, std::move(sequence));
  return OkStatus();
}

// sequence -> i64
Status LibrarySequenceLength(LibraryCall& call) {
  BELAY_TRY(const RunSequence* sequence, SequenceOf(call));
  call.outputs[0].as<int64_t>()[0] = static_cast<int64_t>(sequence->elements.size());
  return OkStatus();
}

// {sequence, position} -> element; binds its extents
Status LibrarySequenceAt(LibraryCall& call) {
  BELAY_TRY(const RunSequence* sequence, SequenceOf(call));
  BELAY_TRY(size_t at, Position(call, 1, sequence->elements.size(), sequence->elements.size()));
  return Deliver(call, sequence->elements[at]);
}

// sequence -> its elements along an axis, which is new when `new_axis`; binds the extents
Status LibrarySequenceConcat(LibraryCall& call) {
  BELAY_TRY(const RunSequence* sequence, SequenceOf(call));
  const auto axis = static_cast<size_t>(call.Attr("axis"));
  const bool added = call.Attr("new_axis") != 0;
  BELAY_TRY(std::vector<int64_t> dims, ConcatDims(call, *sequence, axis, added));
  LibraryBuffer& out = call.outputs[0];
  if (!call.Allocate(0, dims)) return OutOfMemory("no memory for {}", TypeText(out.dtype, dims));
  const Blocks blocks = BlocksOf(out.dtype, dims, axis);
  int64_t start = 0;
  for (const Element& e : sequence->elements) {
    const int64_t size = WithAxis(e.value->dims, axis, added)[axis];
    const auto bytes = static_cast<size_t>(size * blocks.entry_bytes);
    for (int64_t b = 0; bytes && b < blocks.count; ++b) {
      std::memcpy(out.as<char>() + (b * dims[axis] + start) * blocks.entry_bytes,
                  e.value->as<char>() + b * static_cast<int64_t>(bytes), bytes);
    }
    start += size;
  }
  call.bound = dims;
  return OkStatus();
}

// {x, sizes} -> sequence of pieces along an axis: of one size each when `sizes` is a scalar, of 1 without
Status LibrarySequenceSplit(LibraryCall& call) {
  const auto axis = static_cast<size_t>(call.Attr("axis"));
  const LibraryBuffer& x = call.inputs[0];
  BELAY_TRY(std::vector<Part> pieces, PiecesOf(call, x.dims[axis]));
  RunSequence sequence;
  for (const Part& piece : pieces) {
    sequence.elements.push_back({DTypeOf(call), CutOut(x, axis, piece, call.Attr("keep", 1) != 0)});
  }
  Return(call, std::move(sequence));
  return OkStatus();
}

// optional -> bool; a sequence is always there
Status LibraryOptionalHas(LibraryCall& call) {
  BELAY_TRY(const RunSequence* sequence, SequenceOf(call));
  call.outputs[0].as<uint8_t>()[0] = !sequence->optional || !sequence->elements.empty();
  return OkStatus();
}

// optional -> its element; a sequence is its own
Status LibraryOptionalGet(LibraryCall& call) {
  BELAY_TRY(const RunSequence* sequence, SequenceOf(call));
  if (!sequence->optional) {
    if (DTypeOf(call) != DType::kResource) return InvalidArgument("the value is a sequence, but a tensor is needed");
    call.outputs[0].as<int64_t>()[0] = call.inputs[0].as<int64_t>()[0];
    return OkStatus();
  }
  if (sequence->elements.empty()) return InvalidArgument("the optional is empty");
  return Deliver(call, sequence->elements[0]);
}

}  // namespace belay
