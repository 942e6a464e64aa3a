#include "import/onnx/tensor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/allocate.h"

namespace belay::onnx {
namespace {

constexpr size_t kFewBytes = size_t{16} << 20;  // are copied in no time
constexpr int64_t kMaxElements = int64_t{1} << 44;
constexpr int64_t kMaxSparseBytes = int64_t{1}
                                    << 31;  // a sparse tensor states its size, it does not prove it

Status CheckDims(const std::vector<int64_t>& dims) {
  int64_t count = 1;
  for (int64_t d : dims) {
    if (d < 0) return InvalidArgument("it has an extent of {}", d);
    if (d > kMaxElements) return InvalidArgument("its extent {} is too large", d);
  }
  for (int64_t d : dims) {
    if (d == 0) return OkStatus();
  }
  for (int64_t d : dims) {
    if (count > kMaxElements / d) return InvalidArgument("its extents give too many elements");
    count *= d;
  }
  return OkStatus();
}

int64_t CountOf(const std::vector<int64_t>& dims) {
  for (int64_t d : dims) {
    if (d == 0) return 0;
  }
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  return count;
}

bool IsPlainRelative(const std::string& path) {
  if (path.empty() || path[0] == '/' || path.find('\0') != std::string::npos) return false;
  size_t start = 0;
  while (start <= path.size()) {
    size_t end = path.find('/', start);
    if (end == std::string::npos) end = path.size();
    if (path.compare(start, end - start, "..") == 0) return false;
    start = end + 1;
  }
  return true;
}

Result<std::string> RealPath(const std::string& path) {
  char buffer[PATH_MAX];
  if (!realpath(path.c_str(), buffer)) return NotFound("{}: {}", path, std::strerror(errno));
  return std::string(buffer);
}

Result<int64_t> ParseOffset(const std::string& key, const std::string& text) {
  char* end = nullptr;
  errno = 0;
  long long v = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != 0 || errno != 0 || v < 0) {
    return InvalidArgument("its external data has {} '{}', which is no size", key, text);
  }
  return static_cast<int64_t>(v);
}

struct ExternalRange {
  std::string location;
  int64_t offset = 0;
  int64_t length = -1;  // not said
};

Result<ExternalRange> ParseExternal(const TensorProto& t) {
  ExternalRange range;
  for (const auto& [key, value] : t.external_data) {
    if (key == "location") range.location = value;
    if (key == "offset") {
      BELAY_TRY(range.offset, ParseOffset(key, value));
    }
    if (key == "length") {
      BELAY_TRY(range.length, ParseOffset(key, value));
    }
  }
  if (range.location.empty()) return InvalidArgument("its external data names no location");
  return range;
}

// Bytes as they lie in memory, from wherever the message holds them.
std::shared_ptr<Literal> FromBytes(DType dtype, const std::vector<int64_t>& dims,
                                   const void* bytes) {
  auto literal = Literal::Copy(dtype, dims, bytes);
  if (dtype == DType::kBool) {
    auto* b = static_cast<uint8_t*>(literal->mutable_data());
    for (int64_t i = 0; i < literal->NumElements(); ++i) b[i] = b[i] != 0;
  }
  return literal;
}

// Where `bytes` bytes lie in a file.
struct FileRange {
  std::shared_ptr<const MappedFile> file;
  size_t offset = 0;
};

Result<FileRange> FindExternal(const TensorProto& t, int64_t bytes, ExternalFiles* files) {
  BELAY_TRY(ExternalRange range, ParseExternal(t));
  BELAY_TRY(std::shared_ptr<const MappedFile> file, files->Open(range.location));
  const int64_t size = static_cast<int64_t>(file->size);
  if (range.length >= 0 && range.length != bytes) {
    return InvalidArgument("its external data is {} bytes long, but shape and dtype need {}",
                           range.length, bytes);
  }
  if (range.offset > size || bytes > size - range.offset) {
    return InvalidArgument("its external data, {} bytes at offset {}, lies outside {} ({} bytes)",
                           bytes, range.offset, range.location, size);
  }
  return FileRange{std::move(file), static_cast<size_t>(range.offset)};
}

// Of a tensor that FindLateBytes leaves in its file; none of others.
FileRange LateRange(const TensorProto& t, ExternalFiles* files) {
  const DType dtype = DTypeFromOnnx(t.data_type);
  const bool known = dtype != DType::kUndefined && dtype != DType::kString && dtype != DType::kBool;
  if (!known || t.is_segmented || !CheckDims(t.dims).ok()) return {};
  const int64_t bytes = ByteSize(dtype, CountOf(t.dims));
  if (bytes < kLateBytes) return {};
  if (t.is_external) {
    Result<FileRange> range = FindExternal(t, bytes, files);
    return range.ok() ? *std::move(range) : FileRange();
  }
  const bool fits = t.has_raw_data && static_cast<int64_t>(t.raw_data.size()) == bytes;
  if (!fits || !files->model()) return {};
  return {files->model(), static_cast<size_t>(t.raw_data.data() - files->model()->data)};
}

bool ReadAt(const MappedFile& file, size_t offset, size_t bytes, void* to) {
  auto* at = static_cast<char*>(to);
  while (bytes != 0) {
    const ssize_t n = pread(file.fd, at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    offset += static_cast<size_t>(n);
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

// Each piece is hashed while it lies in the caches.
std::shared_ptr<const void> ReadAgain(const FileRange& range, const FilePart& part, KnownFile* known) {
  std::shared_ptr<void> owner = AllocatePassing(part.bytes + kReadBehind);
  auto* memory = static_cast<char*>(owner.get());
  std::vector<Hashing> one(1);
  one[0].bytes = part.bytes;
  one[0].read = [&](size_t offset, size_t n, void*) {
    return ReadAt(*range.file, range.offset + offset, n, memory + offset) ? memory + offset : nullptr;
  };
  HashContents(&one);
  if (one[0].failed || one[0].hash != part.hash) {
    if (known) known->Forget();
    throw std::runtime_error(range.file->path + " was changed after it was parsed and before its graph was compiled; "
                             "parse it again");
  }
  std::memset(memory + part.bytes, 0, kReadBehind);
  return owner;
}

// One that stays in its file.
struct LateTensor {
  TensorProto* tensor;
  FileRange range;
  FilePart part;
  std::shared_ptr<KnownFile> known;  // may be nullptr
  bool hashed;
};

void FindHashes(FileHashes* hashes, std::vector<LateTensor>* late) {
  std::map<const MappedFile*, std::shared_ptr<KnownFile>> files;
  for (LateTensor& t : *late) {
    const auto [at, fresh] = files.try_emplace(t.range.file.get());
    if (fresh) at->second = hashes->Look(t.range.file->fd);
    t.known = at->second;
    t.hashed = t.known && t.known->Find(&t.part);
  }
}

// On all cores.
void HashOthers(std::vector<LateTensor>* late) {
  std::vector<LateTensor*> others;
  std::vector<Hashing> hashings;
  std::map<KnownFile*, std::vector<FilePart>> kept;
  for (LateTensor& t : *late) {
    if (t.hashed) continue;
    auto read = [&t](size_t offset, size_t count, void* buffer) -> const void* {
      return ReadAt(*t.range.file, t.range.offset + offset, count, buffer) ? buffer : nullptr;
    };
    others.push_back(&t);
    hashings.push_back({t.part.bytes, std::move(read), false, {}});
    if (t.known && kept.try_emplace(t.known.get()).second) t.known->BeforeHashing();
  }
  HashContents(&hashings);
  for (size_t i = 0; i < others.size(); ++i) {
    LateTensor& t = *others[i];
    t.hashed = !hashings[i].failed;
    t.part.hash = hashings[i].hash;
    if (t.known && t.hashed) kept[t.known.get()].push_back(t.part);
  }
  for (auto& [known, parts] : kept) known->Keep(parts);
}

template <typename To, typename From>
void Narrow(const std::vector<From>& from, void* to) {
  To* out = static_cast<To*>(to);
  for (size_t i = 0; i < from.size(); ++i) out[i] = static_cast<To>(from[i]);
}

// How many entries of which typed field a tensor needs: two floats make a complex, one int32 holds a byte
// of packed sub-byte elements.
struct TypedField {
  const char* name;
  int64_t have, need;
};

TypedField FieldOf(DType dtype, const TensorProto& t, int64_t count) {
  const auto size = [](const auto& v) { return static_cast<int64_t>(v.size()); };
  switch (dtype) {
    case DType::kF32: return {"float_data", size(t.float_data), count};
    case DType::kC64: return {"float_data", size(t.float_data), 2 * count};
    case DType::kF64: return {"double_data", size(t.double_data), count};
    case DType::kC128: return {"double_data", size(t.double_data), 2 * count};
    case DType::kI64: return {"int64_data", size(t.int64_data), count};
    case DType::kU32:
    case DType::kU64: return {"uint64_data", size(t.uint64_data), count};
    case DType::kString: return {"string_data", size(t.string_data), count};
    default: break;
  }
  const bool packed = BitWidth(dtype) < 8 && BitWidth(dtype) != 6;  // those of 6 bits stand one by one
  int64_t need = packed ? ByteSize(dtype, count) : count;
  return {"int32_data", size(t.int32_data), need};
}

void FillTyped(const TensorProto& t, Literal* literal) {
  void* out = literal->mutable_data();
  switch (literal->dtype) {
    case DType::kF32:
    case DType::kC64: Narrow<float>(t.float_data, out); return;
    case DType::kF64:
    case DType::kC128: Narrow<double>(t.double_data, out); return;
    case DType::kI64: Narrow<int64_t>(t.int64_data, out); return;
    case DType::kU64: Narrow<uint64_t>(t.uint64_data, out); return;
    case DType::kU32: Narrow<uint32_t>(t.uint64_data, out); return;
    case DType::kI32: Narrow<int32_t>(t.int32_data, out); return;
    case DType::kBool: Narrow<bool>(t.int32_data, out); return;
    default: break;
  }
  // Halves stand there as their bits.
  if (BitWidth(literal->dtype) == 16) {
    Narrow<uint16_t>(t.int32_data, out);
  } else {
    Narrow<uint8_t>(t.int32_data, out);
  }
}

Result<LiteralPtr> FromStrings(const TensorProto& t, int64_t count) {
  if (static_cast<int64_t>(t.string_data.size()) != count) {
    return InvalidArgument("it has {} strings, but its shape needs {}", t.string_data.size(),
                           count);
  }
  return LiteralFromTexts(t.dims, t.string_data);
}

Result<LiteralPtr> Convert(const TensorProto& t, ExternalFiles* files) {
  const DType dtype = DTypeFromOnnx(t.data_type);
  if (dtype == DType::kUndefined)
    return InvalidArgument("its data type is {}, which is unknown", t.data_type);
  if (t.is_segmented) return NotSupported("it is split into segments");
  BELAY_RETURN_IF_ERROR(CheckDims(t.dims));
  const int64_t count = CountOf(t.dims);
  if (dtype == DType::kString) return FromStrings(t, count);
  const int64_t bytes = ByteSize(dtype, count);
  if (t.late) {
    auto literal = std::make_shared<Literal>();
    literal->dtype = dtype;
    literal->dims = t.dims;
    literal->late = t.late;
    return LiteralPtr(literal);
  }
  if (t.is_external) {
    BELAY_TRY(FileRange range, FindExternal(t, bytes, files));
    return LiteralPtr(FromBytes(dtype, t.dims, range.file->data + range.offset));
  }
  if (t.has_raw_data && !(t.raw_data.empty() && bytes != 0)) {
    if (static_cast<int64_t>(t.raw_data.size()) != bytes) {
      return InvalidArgument("it has {} bytes of raw data, but shape and dtype need {}",
                             t.raw_data.size(), bytes);
    }
    return LiteralPtr(FromBytes(dtype, t.dims, t.raw_data.data()));
  }
  TypedField field = FieldOf(dtype, t, count);
  if (field.have != field.need) {
    return InvalidArgument("it has {} entries in {}, but shape and dtype need {}", field.have,
                           field.name, field.need);
  }
  const bool one_by_one = BitWidth(dtype) == 6;
  auto literal = Literal::Allocate(one_by_one ? DType::kU8 : dtype, t.dims);
  if (count > 0) FillTyped(t, literal.get());
  return one_by_one ? Packed(*literal, dtype) : LiteralPtr(literal);
}

std::string Describe(const TensorProto& t) { return fmt::format("tensor '{}'", t.name); }

// Row-major positions of a sparse tensor's values: given as such, or as one coordinate row per value.
Result<std::vector<int64_t>> SparsePositions(const SparseTensorProto& t, const Literal& indices,
                                             int64_t values) {
  std::vector<int64_t> raw = LiteralToInts(indices);
  const int64_t rank = static_cast<int64_t>(t.dims.size());
  const int64_t per_value = indices.dims.size() == 2 ? indices.dims[1] : 1;
  const bool rows = indices.dims.size() == 2;
  if (static_cast<int64_t>(raw.size()) != values * per_value || (rows && per_value != rank)) {
    return InvalidArgument("its {} indices do not fit {} values of rank {}", raw.size(), values,
                           rank);
  }
  const int64_t count = CountOf(t.dims);
  std::vector<int64_t> positions;
  for (int64_t v = 0; v < values; ++v) {
    int64_t at = rows ? 0 : raw[v];
    for (int64_t k = 0; rows && k < rank; ++k) {
      const int64_t c = raw[v * rank + k];
      if (c < 0 || c >= t.dims[k])
        return InvalidArgument("its index {} lies outside an extent of {}", c, t.dims[k]);
      at = at * t.dims[k] + c;
    }
    if (at < 0 || at >= count)
      return InvalidArgument("its index {} lies outside {} elements", at, count);
    positions.push_back(at);
  }
  return positions;
}

}  // namespace

MappedFile::~MappedFile() {
  if (size > 0) munmap(const_cast<char*>(data), size);
  if (fd >= 0) close(fd);
}

Result<std::shared_ptr<const MappedFile>> MapFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NotFound("{}: {}", path, std::strerror(errno));
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return InvalidArgument("{} is no regular file", path);
  }
  auto file = std::make_shared<MappedFile>();
  file->path = path;
  file->fd = fd;
  if (info.st_size > 0) {
    void* at = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) return OutOfMemory("mapping {}: {}", path, std::strerror(errno));
    file->data = static_cast<const char*>(at);
    file->size = static_cast<size_t>(info.st_size);
  }
  return std::shared_ptr<const MappedFile>(file);
}

Result<std::shared_ptr<const MappedFile>> ExternalFiles::Open(const std::string& location) {
  auto it = open_.find(location);
  if (it != open_.end()) return it->second;
  if (directory_.empty()) {
    return NotSupported(
        "its data is in file '{}', and a model read from memory has no directory: parse the file",
        location);
  }
  if (!IsPlainRelative(location)) {
    return InvalidArgument("its data file '{}' is not a relative path below the model's directory",
                           location);
  }
  BELAY_TRY(std::string root, RealPath(directory_));
  BELAY_TRY(std::string path, RealPath(root + "/" + location));
  if (root != "/") root += "/";
  if (path.compare(0, root.size(), root) != 0) {
    return InvalidArgument("its data file '{}' leads outside the model's directory", location);
  }
  BELAY_TRY(std::shared_ptr<const MappedFile> file, MapFile(path));
  open_[location] = file;
  return file;
}

void FindLateBytes(std::vector<TensorProto>* tensors, ExternalFiles* files, FileHashes* hashes) {
  std::vector<LateTensor> late;
  size_t total = 0;
  for (TensorProto& t : *tensors) {
    FileRange range = LateRange(t, files);
    if (!range.file) continue;
    const auto bytes = static_cast<size_t>(ByteSize(DTypeFromOnnx(t.data_type), CountOf(t.dims)));
    const FilePart part = {range.offset, bytes, {}};
    late.push_back({&t, std::move(range), part, nullptr, false});
    total += bytes;
  }
  if (total < kFewBytes) return;
  if (hashes) FindHashes(hashes, &late);
  HashOthers(&late);
  for (const LateTensor& t : late) {
    if (!t.hashed) continue;
    auto make = [range = t.range, part = t.part, known = t.known] { return ReadAgain(range, part, known.get()); };
    t.tensor->late = std::make_shared<LateBytes>(t.part.hash, make);
  }
}

Result<LiteralPtr> ToLiteral(const TensorProto& tensor, ExternalFiles* files) {
  return Convert(tensor, files).Context(Describe(tensor));
}

Result<LiteralPtr> ToLiteral(const SparseTensorProto& t, ExternalFiles* files) {
  const std::string where = Describe(t.values);
  BELAY_TRY(LiteralPtr values, ToLiteral(t.values, files));
  BELAY_TRY(LiteralPtr indices, ToLiteral(t.indices, files));
  BELAY_RETURN_IF_ERROR(CheckDims(t.dims).Context(where));
  const int width = BitWidth(values->dtype) / 8;
  if (width == 0) return NotSupported("{}: sparse {}", where, DTypeName(values->dtype));
  if (CountOf(t.dims) > kMaxSparseBytes / width)
    return NotSupported("{}: sparse and larger than 2 GiB", where);
  BELAY_TRY(std::vector<int64_t> positions,
            SparsePositions(t, *indices, values->NumElements()).Context(where));
  auto dense = Literal::Allocate(values->dtype, t.dims);
  char* out = static_cast<char*>(dense->mutable_data());
  for (size_t i = 0; i < positions.size(); ++i) {
    std::memcpy(out + positions[i] * width, static_cast<const char*>(values->data()) + i * width,
                width);
  }
  return LiteralPtr(dense);
}

}  // namespace belay::onnx
