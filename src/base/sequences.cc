#include "base/sequences.h"

#include <cstring>

namespace belay {
namespace {

constexpr int64_t kMostDims = 64;

class Writer {
 public:
  void Number(int64_t value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof(value));
  }
  void Bytes(std::string_view bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.resize((out.size() + 7) / 8 * 8);
  }
  std::vector<uint8_t> out;
};

class Reader {
 public:
  Reader(const void* data, size_t size) : at_(static_cast<const char*>(data)), left_(size) {}

  bool Number(int64_t* value) {
    if (left_ < sizeof(*value)) return false;
    std::memcpy(value, at_, sizeof(*value));
    Skip(sizeof(*value));
    return true;
  }
  bool Bytes(int64_t count, std::string_view* bytes) {
    if (count < 0 || static_cast<uint64_t>(count) > left_) return false;
    const auto size = static_cast<size_t>(count), padded = (size + 7) / 8 * 8;
    *bytes = {at_, size};
    Skip(padded < left_ ? padded : left_);
    return true;
  }
  size_t left() const { return left_; }

 private:
  void Skip(size_t bytes) {
    at_ += bytes;
    left_ -= bytes;
  }
  const char* at_;
  size_t left_;
};

bool HasItsBytes(const PackedElement& e) {
  int64_t count = 1, bits = 0;
  for (int64_t d : e.dims) {
    if (d < 0 || __builtin_mul_overflow(count, d, &count)) return false;
  }
  if (e.dtype == DType::kResource) return e.dims.empty();
  if (e.dtype == DType::kString) return true;
  if (BitWidth(e.dtype) == 0 || __builtin_mul_overflow(count, int64_t{BitWidth(e.dtype)}, &bits)) return false;
  return bits <= INT64_MAX - 7 && static_cast<uint64_t>(ByteSize(e.dtype, count)) == e.bytes.size();
}

bool ReadElement(Reader* reader, PackedElement* e) {
  int64_t dtype = 0, rank = 0, bytes = 0;
  if (!reader->Number(&dtype) || !reader->Number(&rank) || dtype < 0 || dtype > 255 || rank < 0 || rank > kMostDims) {
    return false;
  }
  e->dtype = static_cast<DType>(dtype);
  e->dims.resize(static_cast<size_t>(rank));
  for (int64_t& d : e->dims) {
    if (!reader->Number(&d)) return false;
  }
  return reader->Number(&bytes) && reader->Bytes(bytes, &e->bytes) && HasItsBytes(*e);
}

}  // namespace

std::vector<uint8_t> PackSequence(const PackedSequence& sequence) {
  Writer writer;
  writer.Number(sequence.optional ? 1 : 0);
  writer.Number(static_cast<int64_t>(sequence.elements.size()));
  for (const PackedElement& e : sequence.elements) {
    writer.Number(static_cast<int64_t>(e.dtype));
    writer.Number(static_cast<int64_t>(e.dims.size()));
    for (int64_t d : e.dims) writer.Number(d);
    writer.Number(static_cast<int64_t>(e.bytes.size()));
    writer.Bytes(e.bytes);
  }
  return std::move(writer.out);
}

bool UnpackSequence(const void* data, size_t size, PackedSequence* sequence) {
  Reader reader(data, size);
  int64_t kind = 0, count = 0;
  if (!reader.Number(&kind) || !reader.Number(&count) || kind < 0 || kind > 1 || count < 0) return false;
  if (static_cast<uint64_t>(count) > reader.left() / (3 * sizeof(int64_t)) || (kind == 1 && count > 1)) return false;
  sequence->optional = kind == 1;
  sequence->elements.resize(static_cast<size_t>(count));
  for (PackedElement& e : sequence->elements) {
    if (!ReadElement(&reader, &e)) return false;
  }
  return true;
}

}  // namespace belay
