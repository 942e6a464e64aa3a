// Upper and lower case, and ONNX's StringNormalizer.
#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <set>

#include "graph/library/text.h"

namespace belay {
namespace {

enum Case : int64_t { kKeep = 0, kLower = 1, kUpper = 2 };

// Unicode's simple case mapping; ASCII's alone where the machine has no tables.
locale_t UnicodeLocale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

char32_t Changed(char32_t code, int64_t to) {
  if (code < 0x80 || !UnicodeLocale()) {
    const bool lower = code >= 'a' && code <= 'z', upper = code >= 'A' && code <= 'Z';
    return to == kUpper && lower ? code - 32 : to == kLower && upper ? code + 32 : code;
  }
  const auto wide = static_cast<wint_t>(code);
  return static_cast<char32_t>(to == kUpper ? towupper_l(wide, UnicodeLocale()) : towlower_l(wide, UnicodeLocale()));
}

std::string InCase(const std::string& text, int64_t to) {
  if (to == kKeep) return text;
  std::string out;
  for (char32_t code : CodePoints(text)) AppendUtf8(Changed(code, to), &out);
  return out;
}

std::string InAsciiCase(std::string text, int64_t to) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(Changed(static_cast<unsigned char>(c), to));
  }
  return text;
}

}  // namespace

// texts -> texts; case 1 lower, 2 upper; utf8 0: ASCII letters only
Status LibraryTextCase(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  const int64_t to = call.Attr("case");
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string changed = call.Attr("utf8") ? InCase(*texts[i], to) : InAsciiCase(*texts[i], to);
    call.outputs[0].as<int64_t>()[i] = call.values->AddText(changed);
  }
  return OkStatus();
}

// {x [c], stopwords} -> what is left of x, or one empty text; case_sensitive is about the stopwords
Status LibraryTextNormalize(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  BELAY_TRY(std::vector<const std::string*> stopwords, TextsOf(call, 1));
  const bool sensitive = call.Attr("case_sensitive") != 0;
  const auto key = [&](const std::string& text) { return sensitive ? text : InCase(text, kLower); };
  std::set<std::string> dropped;
  for (const std::string* word : stopwords) dropped.insert(key(*word));
  std::vector<int64_t> kept;
  for (const std::string* text : texts) {
    if (!dropped.count(key(*text))) kept.push_back(call.values->AddText(InCase(*text, call.Attr("case"))));
  }
  if (kept.empty()) kept.push_back(0);
  const auto count = static_cast<int64_t>(kept.size());
  void* out = call.Allocate(0, {count});
  if (!out) return OutOfMemory("no memory for {} strings", count);
  std::copy(kept.begin(), kept.end(), static_cast<int64_t*>(out));
  call.bound = {count};
  return OkStatus();
}

}  // namespace belay
