#include "mutate.h"

#include <cstdint>
#include <cstring>

namespace belay::fuzz {
namespace {

constexpr size_t kMostBytes = 1 << 16;
constexpr int kMaxDepth = 12;

bool ReadVarint(const std::string& s, size_t* at, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && *at < s.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(s[(*at)++]);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

void WriteVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

bool ParseDeep(const std::string& s, int depth, std::vector<Field>* out) {
  for (size_t at = 0; at < s.size();) {
    uint64_t key = 0, size = 0;
    if (!ReadVarint(s, &at, &key) || key >> 3 == 0 || key >> 3 > 600) return false;
    Field f;
    f.number = static_cast<uint32_t>(key >> 3);
    f.wire = static_cast<uint32_t>(key & 7);
    if (f.wire == 0) {
      if (!ReadVarint(s, &at, &f.value)) return false;
    } else if (f.wire == 1 || f.wire == 5) {
      const size_t width = f.wire == 1 ? 8 : 4;
      if (s.size() - at < width) return false;
      std::memcpy(&f.value, s.data() + at, width);
      at += width;
    } else if (f.wire == 2) {
      if (!ReadVarint(s, &at, &size) || size > s.size() - at) return false;
      f.bytes = s.substr(at, size);
      at += size;
      f.is_message = depth < kMaxDepth && !f.bytes.empty() && ParseDeep(f.bytes, depth + 1, &f.fields);
      if (!f.is_message) f.fields.clear();
    } else {
      return false;
    }
    out->push_back(std::move(f));
  }
  return true;
}

void Write(const std::vector<Field>& fields, std::string* out) {
  for (const Field& f : fields) {
    WriteVarint(uint64_t{f.number} << 3 | f.wire, out);
    if (f.wire == 0) WriteVarint(f.value, out);
    if (f.wire == 1 || f.wire == 5) out->append(reinterpret_cast<const char*>(&f.value), f.wire == 1 ? 8 : 4);
    if (f.wire != 2) continue;
    std::string inner;
    if (f.is_message) Write(f.fields, &inner);
    const std::string& bytes = f.is_message ? inner : f.bytes;
    WriteVarint(bytes.size(), out);
    out->append(bytes);
  }
}

}  // namespace

bool Parse(const std::string& bytes, std::vector<Field>* fields) { return ParseDeep(bytes, 0, fields); }

std::string Serialised(const std::vector<Field>& fields) {
  std::string bytes;
  Write(fields, &bytes);
  return bytes;
}

size_t Below(size_t n, Random* random) { return n ? (*random)() % n : 0; }

uint64_t Number(Random* random) {
  static constexpr int64_t kHard[] = {0, 1, -1, 2, 7, 16, 28, 64, 127, 128, 255, 1000, INT32_MAX, INT32_MIN, INT64_MAX,
                                      INT64_MIN, int64_t{1} << 31, int64_t{1} << 32, int64_t{1} << 48,
                                      int64_t{1} << 62};
  if (Below(3, random)) return static_cast<uint64_t>(kHard[Below(std::size(kHard), random)]);
  return (*random)() >> Below(64, random);
}

namespace {

void Collect(std::vector<Field>* fields, std::vector<std::vector<Field>*>* lists) {
  if (!fields->empty()) lists->push_back(fields);
  for (Field& f : *fields) Collect(&f.fields, lists);
}

void ChangeBytes(std::string* s, Random* random) {
  const int count = 1 + static_cast<int>(Below(4, random));
  for (int i = 0; i < count && !s->empty(); ++i) {
    const size_t at = Below(s->size(), random);
    switch (Below(5, random)) {
      case 0: (*s)[at] = static_cast<char>((*random)()); break;
      case 1: (*s)[at] ^= static_cast<char>(1 << Below(8, random)); break;
      case 2: s->erase(at, 1 + Below(8, random)); break;
      case 3: s->insert(at, 1 + Below(8, random), static_cast<char>((*random)())); break;
      default: s->resize(at); break;
    }
  }
}

void ChangeField(Field* f, Random* random) {
  switch (Below(6, random)) {
    case 0: f->number = 1 + static_cast<uint32_t>(Below(40, random)); return;
    case 1: {
      const uint32_t wires[] = {0, 1, 2, 5};
      f->wire = wires[Below(4, random)];
      return;
    }
    default: break;
  }
  if (f->wire != 2) {
    f->value = Number(random);
  } else if (f->is_message && !f->fields.empty() && Below(4, random)) {
    f->fields.push_back(f->fields[Below(f->fields.size(), random)]);
  } else {
    if (f->is_message) Write(f->fields, &(f->bytes = ""));
    f->is_message = false;
    ChangeBytes(&f->bytes, random);
  }
}

}  // namespace

void ChangeTree(std::vector<Field>* tree, std::vector<Field>* donor, Random* random) {
  std::vector<std::vector<Field>*> lists, others;
  Collect(tree, &lists);
  Collect(donor, &others);
  if (lists.empty()) return;
  std::vector<Field>& list = *lists[Below(lists.size(), random)];
  const size_t at = Below(list.size(), random);
  switch (Below(8, random)) {
    case 0: list.erase(list.begin() + static_cast<long>(at)); break;
    case 1: list.insert(list.begin() + static_cast<long>(at), Field(list[at])); break;
    case 2: std::swap(list[at], list[Below(list.size(), random)]); break;
    case 3:  // a message inside one of its own kind
      if (list[at].is_message) {
        const Field copy = list[at];
        list[at].fields.push_back(copy);
      }
      break;
    case 4:
      if (!others.empty()) {
        const std::vector<Field>& from = *others[Below(others.size(), random)];
        list.insert(list.begin() + static_cast<long>(at), Field(from[Below(from.size(), random)]));
      }
      break;
    case 5: {  // two names, types or shapes of the same place become one
      const Field& other = list[Below(list.size(), random)];
      if (other.wire == list[at].wire) {
        const uint32_t number = list[at].number;
        list[at] = Field(other);
        list[at].number = number;
      }
      break;
    }
    default: ChangeField(&list[at], random);
  }
}

std::string Mutate(const std::string& bytes, const std::string& other, Random* random) {
  std::string out = bytes;
  std::vector<Field> tree, donor;
  if (Below(8, random) && Parse(bytes, &tree)) {
    if (!Parse(other, &donor)) donor.clear();
    const int changes = 1 + static_cast<int>(Below(6, random));
    for (int i = 0; i < changes; ++i) ChangeTree(&tree, &donor, random);
    out = Serialised(tree);
    if (Below(8, random) == 0) ChangeBytes(&out, random);
  } else {
    ChangeBytes(&out, random);
  }
  if (out.size() > kMostBytes) out.resize(kMostBytes);
  return out;
}

}  // namespace belay::fuzz
