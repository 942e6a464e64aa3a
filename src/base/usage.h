// BELAY_REPORT=file: at the end of the process, which calls and options the program used and how real each was. Without
// the variable nothing is counted.
#pragma once
#include <cstdint>
#include <string>

namespace belay {

enum class Reality : uint8_t { kFull, kNoEffect, kRefused, kUnknown };

// One library of ours with public functions: where those stand that refuse and those without effect.
struct UsageLibrary {
  const void* code = nullptr;  // any address in it
  const char* refuses_begin = nullptr;
  const char* refuses_end = nullptr;
  const char* no_effect_begin = nullptr;
  const char* no_effect_end = nullptr;
};

bool CountingUsage();
void AddUsageLibrary(const UsageLibrary& library);
// A public function was entered; what our own libraries call is left out.
void CountCall(const void* function, const void* caller);
void CountOption(const std::string& key, const std::string& value, Reality reality, const std::string& note);
// A call failed, and this is what its report says.
void CountError(const std::string& sentence);

}  // namespace belay
