// Numbers written and read, as ONNX's Cast says.
#include <charconv>
#include <cmath>

#include "graph/library/text.h"
#include "graph/number.h"

namespace belay {
namespace {

template <typename T>
std::string Plain(T value) {
  char buffer[512];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed);
  return error == std::errc() ? std::string(buffer, end) : std::string();
}

// The fewest digits that T's rounding leads back to the value.
template <typename T>
std::string PlainHalf(T value) {
  const double exact = LoadDouble(value);
  for (int digits = 1;; ++digits) {
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), exact, std::chars_format::general, digits).ptr;
    double read = 0;
    std::from_chars(buffer, end, read);
    if (StoreDouble<T>(read).bits == value.bits || digits == 17) return Plain(read);
  }
}

template <typename T>
std::string Written(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (kIsFloatType<T>) {
    const double wide = LoadDouble(value);
    if (std::isnan(wide)) return "NaN";
    if (std::isinf(wide)) return wide > 0 ? "INF" : "-INF";
    if constexpr (std::is_floating_point_v<T>) return Plain(value);
    else return PlainHalf(value);
  } else {
    return std::to_string(value);
  }
}

std::string_view Trimmed(std::string_view text) {
  constexpr const char* kSpaces = " \t\n\v\f\r";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == text.npos) return {};
  text = text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

bool SameWord(std::string_view text, std::string_view upper) {
  if (text.size() != upper.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 32) : text[i];
    if (c != upper[i]) return false;
  }
  return true;
}

template <typename T>
bool ReadFloat(std::string_view text, T* value) {
  if (SameWord(text, "NAN")) return *value = std::numeric_limits<T>::quiet_NaN(), true;
  if (SameWord(text, "INF")) return *value = std::numeric_limits<T>::infinity(), true;
  if (SameWord(text, "-INF")) return *value = -std::numeric_limits<T>::infinity(), true;
  if (text.find_first_not_of("0123456789+-.eE") != text.npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (end != text.data() + text.size() || text.empty()) return false;
  if (error == std::errc::result_out_of_range) {
    double wide = 0;
    const bool tiny = text.find("e-") != text.npos || text.find("E-") != text.npos;
    const bool fits = std::from_chars(text.data(), end, wide).ec == std::errc();
    const double sign = text[0] == '-' ? -1 : 1;
    *value = static_cast<T>(fits ? wide : tiny ? sign * 0.0 : sign * HUGE_VAL);
    return true;
  }
  return error == std::errc();
}

template <typename T>
bool Read(std::string_view text, T* value) {
  if constexpr (std::is_floating_point_v<T>) {
    return ReadFloat(text, value);
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return true;
    double wide = 0;
    if (!ReadFloat(text, &wide)) return false;
    *value = StoreDouble<T>(wide);
    return true;
  }
}

}  // namespace

// numbers -> texts
Status LibraryNumberToText(LibraryCall& call) {
  const LibraryBuffer& x = call.inputs[0];
  const bool known = VisitNumber(x.dtype, [&]<typename T>(T) {
    const int64_t n = x.NumElements();
    for (int64_t i = 0; i < n; ++i) {
      call.outputs[0].as<int64_t>()[i] = call.values->AddText(Written(x.as<T>()[i]));
    }
  });
  return known ? OkStatus() : NotSupported("{} as text", DTypeName(x.dtype));
}

// texts -> f32, f64, i64 or u64; whole numbers drop what follows the point
Status LibraryTextToNumber(LibraryCall& call) {
  BELAY_TRY(std::vector<const std::string*> texts, TextsOf(call, 0));
  const LibraryBuffer& out = call.outputs[0];
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = Trimmed(*texts[i]);
    bool read = false;
    VisitNumber(out.dtype, [&]<typename T>(T) {
      if constexpr (std::is_floating_point_v<T> || sizeof(T) == 8) read = Read(text, &out.as<T>()[i]);
    });
    if (!read) return InvalidArgument("element {}, '{}', is no number", i, texts[i]->substr(0, 80));
  }
  return OkStatus();
}

}  // namespace belay
