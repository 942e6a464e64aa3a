#include "base/texts.h"

#include <cstring>

namespace belay {
namespace {

struct Head {
  int64_t offset, length;
};

}  // namespace

std::vector<uint8_t> PackTexts(const std::vector<std::string_view>& texts) {
  size_t total = texts.size() * sizeof(Head);
  for (std::string_view text : texts) total += text.size() + 1;
  std::vector<uint8_t> bytes(total);
  size_t offset = texts.size() * sizeof(Head);
  for (size_t i = 0; i < texts.size(); ++i) {
    const Head head = {static_cast<int64_t>(offset), static_cast<int64_t>(texts[i].size())};
    std::memcpy(bytes.data() + i * sizeof(head), &head, sizeof(head));
    if (!texts[i].empty()) std::memcpy(bytes.data() + offset, texts[i].data(), texts[i].size());
    offset += texts[i].size() + 1;
  }
  return bytes;
}

bool UnpackTexts(const void* data, size_t size, size_t count, std::vector<std::string_view>* texts) {
  texts->clear();
  if (count > size / sizeof(Head)) return false;
  const char* bytes = static_cast<const char*>(data);
  for (size_t i = 0; i < count; ++i) {
    Head head;
    std::memcpy(&head, bytes + i * sizeof(head), sizeof(head));
    if (head.offset < 0 || head.length < 0 || static_cast<uint64_t>(head.offset) > size ||
        static_cast<uint64_t>(head.length) > size - static_cast<uint64_t>(head.offset)) {
      return false;
    }
    texts->emplace_back(bytes + head.offset, static_cast<size_t>(head.length));
  }
  return true;
}

}  // namespace belay
