// Texts between users' memory and the run's values, and what is done to them one by one.
#include "graph/library/text.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/texts.h"

namespace belay {
namespace {

constexpr const char* kSpaces = " \t\n\v\f\r";

}  // namespace

Result<std::vector<const std::string*>> TextsOf(const LibraryCall& call, int input) {
  const LibraryBuffer& x = call.inputs[input];
  std::vector<const std::string*> texts(static_cast<size_t>(x.NumElements()));
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i] = call.values->FindText(x.as<int64_t>()[i]);
    if (!texts[i]) return Internal("input {} holds {}, which is the number of no text", input, x.as<int64_t>()[i]);
  }
  return texts;
}

std::vector<char32_t> CodePoints(const std::string& text) {
  std::vector<char32_t> out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    char32_t code = more ? lead & (0x3fu >> more) : lead;
    size_t k = 1;
    while (k <= more && i + k < text.size() && (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
      ++k;
    }
    const bool whole = k == more + 1;
    out.push_back(whole ? code : lead);
    i += whole ? k : 1;
  }
  return out;
}

void AppendUtf8(char32_t code, std::string* out) {
  const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr unsigned kLead[] = {0, 0xc0, 0xe0, 0xf0};
  *out += static_cast<char>(kLead[more] | code >> (6 * more));
  for (int k = more - 1; k >= 0; --k) *out += static_cast<char>(0x80 | (code >> (6 * k) & 0x3f));
}

// {u8 in the layout of base/texts.h} -> texts
Status LibraryTextRead(LibraryCall& call) {
  LibraryBuffer& out = call.outputs[0];
  const auto count = static_cast<size_t>(out.NumElements());
  std::vector<std::string_view> texts;
  if (!UnpackTexts(call.inputs[0].data, static_cast<size_t>(call.inputs[0].NumElements()), count, &texts)) {
    return InvalidArgument("{} bytes do not hold {} strings: each needs a head of 16 bytes with its offset and length, "
                           "which lie inside", call.inputs[0].NumElements(), count);
  }
  for (size_t i = 0; i < count; ++i) out.as<int64_t>()[i] = call.values->AddText(texts[i]);
  return OkStatus();
}

// texts -> {u8}; binds the size
Status LibraryTextWrite(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  std::vector<std::string_view> views;
  for (const std::string* text : texts) views.emplace_back(*text);
  const std::vector<uint8_t> bytes = PackTexts(views);
  const auto size = static_cast<int64_t>(bytes.size());
  void* out = call.Allocate(0, {size});
  if (!out) return OutOfMemory("no memory for {} bytes of strings", size);
  if (size) std::memcpy(out, bytes.data(), bytes.size());
  call.bound = {size};
  return OkStatus();
}

// {parts..., separator} -> joined; the parts have one shape
Status LibraryTextJoin(LibraryCall& call) {
  const int parts = static_cast<int>(call.inputs.size()) - 1;
  BELAY_TRY(std::vector<const std::string*> separator, TextsOf(call, parts));
  std::vector<std::string> joined(static_cast<size_t>(call.outputs[0].NumElements()));
  for (int p = 0; p < parts; ++p) {
    BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, p));
    for (size_t i = 0; i < joined.size(); ++i) joined[i] += (p ? *separator[0] : "") + *texts[i];
  }
  for (size_t i = 0; i < joined.size(); ++i) call.outputs[0].as<int64_t>()[i] = call.values->AddText(joined[i]);
  return OkStatus();
}

// texts -> lengths in bytes (utf8 = 0) or code points
Status LibraryTextLength(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  const bool utf8 = call.Attr("utf8") != 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    call.outputs[0].as<int32_t>()[i] = static_cast<int32_t>(utf8 ? CodePoints(*texts[i]).size() : texts[i]->size());
  }
  return OkStatus();
}

// texts -> without white space at both ends
Status LibraryTextStrip(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t first = texts[i]->find_first_not_of(kSpaces), last = texts[i]->find_last_not_of(kSpaces);
    const std::string_view kept = first == std::string::npos
                                      ? std::string_view()
                                      : std::string_view(*texts[i]).substr(first, last - first + 1);
    call.outputs[0].as<int64_t>()[i] = call.values->AddText(kept);
  }
  return OkStatus();
}

// texts -> their places in order of their bytes, equal ones with the same
Status LibraryTextRanks(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  std::map<std::string_view, int64_t> ranks;
  for (const std::string* text : texts) ranks[*text] = 0;
  int64_t next = 0;
  for (auto& [text, rank] : ranks) rank = next++;
  for (size_t i = 0; i < texts.size(); ++i) call.outputs[0].as<int64_t>()[i] = ranks[*texts[i]];
  return OkStatus();
}

namespace {

// Python's str.split: runs of white space, or every separator. most: splits to make, -1 any.
std::vector<std::string_view> Split(std::string_view text, std::string_view separator, int64_t most) {
  std::vector<std::string_view> pieces;
  const bool spaces = separator.empty();
  for (;;) {
    if (spaces) text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
    if (spaces && text.empty()) return pieces;
    const bool last = most >= 0 && static_cast<int64_t>(pieces.size()) == most;
    const size_t end = last ? text.npos : spaces ? text.find_first_of(kSpaces) : text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == text.npos) return pieces;
    text.remove_prefix(end + (spaces ? 1 : separator.size()));
  }
}

}  // namespace

// {x [n], separator} -> {row [k], column [k], piece [k]}; binds k and the most pieces of one text
Status LibraryTextSplit(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  BELAY_TRY(std::vector<const std::string*> separator, TextsOf(call, 1));
  std::vector<int64_t> rows, columns, pieces;
  int64_t most = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    int64_t column = 0;
    for (std::string_view piece : Split(*texts[i], *separator[0], call.Attr("maxsplit", -1))) {
      rows.push_back(static_cast<int64_t>(i));
      columns.push_back(column++);
      pieces.push_back(call.values->AddText(piece));
    }
    most = std::max(most, column);
  }
  const auto count = static_cast<int64_t>(rows.size());
  const std::vector<int64_t>* lists[] = {&rows, &columns, &pieces};
  for (int k = 0; k < 3; ++k) {
    void* out = call.Allocate(k, {count});
    if (!out) return OutOfMemory("no memory for {} pieces", count);
    std::copy(lists[k]->begin(), lists[k]->end(), static_cast<int64_t*>(out));
  }
  call.bound = {count, most};
  return OkStatus();
}

}  // namespace belay
