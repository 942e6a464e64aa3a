#include "array.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/half.h"

namespace belay::tool {
namespace {

struct NpyType {
  DType dtype;
  const char* descr;
};
constexpr NpyType kNpyTypes[] = {
    {DType::kF32, "<f4"}, {DType::kF64, "<f8"},   {DType::kF16, "<f2"}, {DType::kI8, "|i1"},
    {DType::kU8, "|u1"},  {DType::kI16, "<i2"},   {DType::kU16, "<u2"}, {DType::kI32, "<i4"},
    {DType::kU32, "<u4"}, {DType::kI64, "<i8"},   {DType::kU64, "<u8"}, {DType::kBool, "|b1"},
    {DType::kC64, "<c8"}, {DType::kC128, "<c16"},
};

std::string DescrOf(DType dtype) {
  for (const NpyType& t : kNpyTypes) {
    if (t.dtype == dtype) return t.descr;
  }
  return fmt::format("|V{}", BitWidth(dtype) / 8);
}

// The text between `key` and the next of `ends`.
std::string HeaderValue(const std::string& header, const char* key, const char* ends) {
  size_t at = header.find(key);
  if (at == std::string::npos) return "";
  at = header.find(':', at);
  if (at == std::string::npos) return "";
  const size_t end = header.find_first_of(ends, at);
  return header.substr(at + 1, end == std::string::npos ? std::string::npos : end - at - 1);
}

Status ParseHeaderShape(const std::string& text, std::vector<int64_t>* dims) {
  const char* p = text.c_str();
  while (*p) {
    if (*p < '0' || *p > '9') {
      ++p;
      continue;
    }
    char* end = nullptr;
    errno = 0;
    dims->push_back(std::strtoll(p, &end, 10));
    if (errno != 0) return InvalidArgument("its shape is ({})", text);
    p = end;
  }
  return OkStatus();
}

Result<Array> ParseNpy(const std::string& bytes, DType want) {
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0)
    return InvalidArgument("it is no .npy file");
  const bool wide = bytes[6] >= 2;
  uint32_t length = static_cast<uint8_t>(bytes[8]) | static_cast<uint8_t>(bytes[9]) << 8;
  if (wide)
    length |= static_cast<uint8_t>(bytes[10]) << 16 |
              static_cast<uint32_t>(static_cast<uint8_t>(bytes[11])) << 24;
  const size_t start = wide ? 12 : 10;
  if (bytes.size() - start < length) return InvalidArgument("its header is cut off");
  const std::string header = bytes.substr(start, length);
  std::string descr = HeaderValue(header, "'descr'", ",}");
  const size_t quote = descr.find('\'');
  descr = quote == std::string::npos ? "" : descr.substr(quote + 1, descr.rfind('\'') - quote - 1);
  if (descr.size() > 1 && descr[0] == '=') descr[0] = '<';
  std::string expected = DescrOf(want);
  if (descr.size() < 2 || descr.substr(1) != expected.substr(1) || descr[0] == '>') {
    const bool voids = descr.size() > 2 && descr[1] == 'V' &&
                       descr.substr(2) == std::to_string(BitWidth(want) / 8);
    if (!voids)
      return InvalidArgument("its elements are '{}', but the model takes {}", descr,
                             DTypeName(want));
  }
  if (HeaderValue(header, "'fortran_order'", ",}").find("True") != std::string::npos) {
    return NotSupported("its elements are in Fortran order; save it as C-contiguous");
  }
  Array array;
  array.dtype = want;
  BELAY_RETURN_IF_ERROR(ParseHeaderShape(HeaderValue(header, "'shape'", ")}"), &array.dims));
  array.data.assign(bytes.begin() + static_cast<ptrdiff_t>(start + length), bytes.end());
  const int64_t need = ByteSize(want, array.Count());
  if (static_cast<int64_t>(array.data.size()) != need) {
    return InvalidArgument("it has {} bytes of data, but its shape needs {}", array.data.size(),
                           need);
  }
  return array;
}

uint64_t NextRandom(uint64_t* state) {  // splitmix64
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void StoreFloat(DType dtype, float value, char* at) {
  const double d = value;
  const uint16_t half = dtype == DType::kF16 ? FloatToHalf(value) : FloatToBFloat(value);
  if (dtype == DType::kF32) std::memcpy(at, &value, 4);
  if (dtype == DType::kF64) std::memcpy(at, &d, 8);
  if (IsHalf(dtype)) std::memcpy(at, &half, 2);
}

}  // namespace

int64_t Array::Count() const {
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  return count;
}

Array Zeros(DType dtype, std::vector<int64_t> dims) {
  Array array{dtype, std::move(dims), {}};
  array.data.assign(static_cast<size_t>(ByteSize(dtype, array.Count())), 0);
  return array;
}

Array Random(DType dtype, std::vector<int64_t> dims, uint64_t seed) {
  Array array = Zeros(dtype, std::move(dims));
  const int width = BitWidth(dtype) / 8;
  if (width == 0) return array;
  uint64_t state = seed;
  const int64_t count = array.Count();
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bits = NextRandom(&state);
    char* at = array.data.data() + i * width;
    if (IsFloat(dtype)) {
      StoreFloat(dtype,
                 static_cast<float>(static_cast<int64_t>(bits >> 40) - (1 << 23)) / (1 << 23), at);
    } else {
      *at = static_cast<char>(bits & 1);
    }
  }
  return array;
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound("{}: {}", path, std::strerror(errno));
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

Status WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return InvalidArgument("writing {}: {}", path, std::strerror(errno));
  return OkStatus();
}

Result<Array> ReadNpy(const std::string& path, DType want) {
  BELAY_TRY(std::string bytes, ReadFile(path));
  return ParseNpy(bytes, want).Context(path);
}

Status WriteNpy(const std::string& path, const Array& array) {
  std::string shape;
  for (int64_t d : array.dims) shape += fmt::format("{}, ", d);
  if (array.dims.size() > 1) shape.resize(shape.size() - 2);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   DescrOf(array.dtype), shape);
  header.append(63 - (header.size() + 10) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(array.data.data(), array.data.size());
  return WriteFile(path, bytes);
}

uint64_t Digest(const Array& array) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (char c : array.data) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return hash;
}

std::string ShapeText(const std::vector<int64_t>& dims) {
  if (dims.empty()) return "scalar";
  std::string text;
  for (int64_t d : dims)
    text += fmt::format("{}{}", text.empty() ? "" : "x", d < 0 ? "?" : std::to_string(d));
  return text;
}

}  // namespace belay::tool
