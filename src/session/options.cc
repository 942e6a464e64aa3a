#include "session/options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>

#include "base/error_report.h"
#include "base/log.h"
#include "base/usage.h"
#include "session/option_values.h"

namespace belay {
namespace {

// Keys that say the same thing in two ways.
constexpr std::pair<const char*, const char*> kRivals[] = {
    {"ge.exec.precision_mode", "ge.exec.precision_mode_v2"},
};

bool IsInt(const std::string& text) {
  char* end = nullptr;
  (void)std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == 0;
}

bool IsKey(const std::string& text) {
  return text.size() <= 128 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '_' || c == '-';
         });
}

bool IsFolder(const std::string& text) {
  std::error_code ignored;
  return std::filesystem::is_directory(text, ignored);
}

// Rows of one number are gears too.
bool IsSizes(const std::string& text) {
  auto rows = ParseGears(text);
  return rows.ok() && rows->size() == 1;
}

struct Form {
  std::string_view name;
  const char* description;
  bool (*fits)(const std::string&);
};

constexpr Form kForms[] = {
    {"*", "any text", [](const std::string&) { return true; }},
    {"int", "a whole number", IsInt},
    {"bytes", "a number of bytes", [](const std::string& v) { return ParseBytes(v).ok(); }},
    {"key", "up to 128 of A-Z a-z 0-9 _ -", IsKey},
    {"folder", "a folder that exists", IsFolder},
    {"indexes", "indexes like 0;1", [](const std::string& v) { return ParseIndexes(v).ok(); }},
    {"pairs", "pairs like 0,1|2,0", [](const std::string& v) { return ParsePairs(v).ok(); }},
    {"sizes", "sizes like 1,2,4", IsSizes},
    {"gears", "rows of one length like 1,224;2,224", [](const std::string& v) { return ParseGears(v).ok(); }},
    {"shapes", "shapes like x:1,3;y:-1", [](const std::string& v) { return ParseShapes(v).ok(); }},
    {"hints", "shapes like 0:[2,3];1:[]", [](const std::string& v) { return ParseHints(v).ok(); }},
    {"outputs", "outputs like node:0;last:1", [](const std::string& v) { return ParseOutputs(v).ok(); }},
};

// int:A..B and text:N carry bounds.
struct Bounds {
  int64_t least = INT64_MIN, most = INT64_MAX;
};

Bounds BoundsOf(const std::string& pattern) {
  Bounds bounds;
  const std::string text = pattern.substr(pattern.find(':') + 1);
  const size_t dots = text.find("..");
  if (dots != 0) bounds.least = std::atoll(text.c_str());
  if (dots + 2 < text.size()) bounds.most = std::atoll(text.c_str() + dots + 2);
  return bounds;
}

bool Matches(const std::string& pattern, const std::string& value) {
  if (pattern.starts_with("text:")) return value.size() <= std::strtoull(pattern.c_str() + 5, nullptr, 10);
  if (pattern.starts_with("int:")) {
    const Bounds bounds = BoundsOf(pattern);
    const int64_t number = std::atoll(value.c_str());
    return IsInt(value) && number >= bounds.least && number <= bounds.most;
  }
  for (const Form& form : kForms) {
    if (form.name == pattern) return form.fits(value);
  }
  return pattern == value;
}

std::string Describe(const std::string& pattern) {
  if (pattern.starts_with("text:")) return "a text of at most " + pattern.substr(5) + " bytes";
  if (pattern.starts_with("int:")) {
    const Bounds bounds = BoundsOf(pattern);
    if (bounds.most == INT64_MAX) return fmt::format("a whole number of at least {}", bounds.least);
    return fmt::format("a whole number of {} to {}", bounds.least, bounds.most);
  }
  for (const Form& form : kForms) {
    if (form.name == pattern) return form.description;
  }
  return pattern;
}

bool MatchesAny(const char* patterns, const std::string& value) {
  if (!*patterns) return false;
  const std::vector<std::string> all = SplitText(patterns, ',');
  return std::any_of(all.begin(), all.end(), [&](const std::string& p) { return Matches(p, value); });
}

std::string Allowed(const OptionRow& row) {
  std::string text;
  for (const char* patterns : {row.works, row.ignored}) {
    if (!*patterns) continue;
    for (const std::string& p : SplitText(patterns, ',')) text += (text.empty() ? "" : ", ") + Describe(p);
  }
  return text;
}

const OptionRow* FindOption(const std::string& key) {
  const OptionRow* end = kOptionTable + kOptionCount;
  const OptionRow* row = std::lower_bound(kOptionTable, end, key, [](const OptionRow& r, const std::string& k) {
    return std::string_view(r.key) < k;
  });
  return row != end && row->key == key ? row : nullptr;
}

// True the first time in this process.
bool FirstMention(const std::string& key) {
  static auto* const mutex = new std::mutex;
  static auto* const known = new std::set<std::string>;
  std::lock_guard<std::mutex> lock(*mutex);
  return known->insert(key).second;
}

Status CheckOption(const std::string& key, const std::string& value) {
  if (value.empty()) return OkStatus();
  const OptionRow* row = FindOption(key);
  if (!row) {
    CountOption(key, value, Reality::kUnknown, "");
    ReportWarning(fmt::format("option '{}' is not known and has no effect (its value is '{}')", key, value));
    return OkStatus();
  }
  const bool works = MatchesAny(row->works, value), ignored = !works && MatchesAny(row->ignored, value);
  CountOption(key, value, works ? Reality::kFull : ignored ? Reality::kNoEffect : Reality::kRefused, row->note);
  if (works) return OkStatus();
  if (ignored) {
    if (FirstMention(key)) BELAY_LOG(Info, "option '{}' has no effect: {}", key, row->note);
    return OkStatus();
  }
  const std::string allowed = Allowed(*row);
  if (MatchesAny(row->refused, value)) {
    return NotSupported("option '{}' = '{}' is not supported: {}\nDo: {}", key, value, row->note,
                        allowed.empty() ? "leave the option out" : "choose " + allowed);
  }
  if (allowed.empty()) return InvalidArgument("option '{}' is '{}', but {}", key, value, row->note);
  return InvalidArgument("option '{}' is '{}'\nDo: choose {}", key, value, allowed);
}

}  // namespace

Status CheckOptions(const OptionMap& options) {
  for (const auto& [key, value] : options) BELAY_RETURN_IF_ERROR(CheckOption(key, value));
  for (const auto& [first, second] : kRivals) {
    if (OptionOf(options, first).empty() || OptionOf(options, second).empty()) continue;
    return InvalidArgument("options '{}' and '{}' exclude each other\nDo: leave one of them out", first, second);
  }
  return OkStatus();
}

OptionMap MergeOptions(const OptionMap& base, const OptionMap& over) {
  OptionMap merged = base;
  for (const auto& [first, second] : kRivals) {
    if (!OptionOf(over, first).empty()) merged.erase(second);
    if (!OptionOf(over, second).empty()) merged.erase(first);
  }
  for (const auto& [key, value] : over) {
    if (!value.empty()) merged[key] = value;
  }
  return merged;
}

std::string OptionOf(const OptionMap& options, const char* key) {
  auto it = options.find(key);
  return it == options.end() ? "" : it->second;
}

CodeCacheOptions CodeCacheOf(const OptionMap& options) {
  CodeCacheOptions cache;
  const std::string mode = OptionOf(options, "ge.op_compiler_cache_mode");
  if (mode == "force") cache.mode = CodeCacheMode::kForce;
  if (mode == "disable") cache.mode = CodeCacheMode::kDisable;
  const std::string dir = OptionOf(options, "ge.op_compiler_cache_dir");
  if (!dir.empty()) cache.dir = dir + "/kernel_cache";
  return cache;
}

}  // namespace belay
