// Logging: silent by default. ASCEND_GLOBAL_LOG_LEVEL (0 debug, 1 info, 2 warning, 3 error, 4 none)
// and ASCEND_SLOG_PRINT_TO_STDOUT=1 turn it on; without the latter lines go to stderr once a level is set.
#pragma once
#include <fmt/format.h>

namespace belay {
enum class LogLevel : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, const std::string& text);
}  // namespace belay

#define BELAY_LOG(level, ...)                                                  \
  do {                                                                         \
    if (::belay::LogEnabled(::belay::LogLevel::k##level))                      \
      ::belay::LogLine(::belay::LogLevel::k##level, fmt::format(__VA_ARGS__)); \
  } while (false)
