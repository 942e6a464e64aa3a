#include "base/log.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace belay {
namespace {

struct LogConfig {
  int level = 4;  // nothing
  bool to_stdout = false;
};

LogConfig ReadConfig() {
  LogConfig config;
  const char* print = getenv("ASCEND_SLOG_PRINT_TO_STDOUT");
  config.to_stdout = print != nullptr && std::string(print) == "1";
  const char* level = getenv("ASCEND_GLOBAL_LOG_LEVEL");
  if (level != nullptr && level[0] >= '0' && level[0] <= '4' && level[1] == 0) {
    config.level = level[0] - '0';
  } else if (config.to_stdout) {
    config.level = static_cast<int>(LogLevel::kError);  // CANN's default level
  }
  return config;
}

const LogConfig& Config() {
  static const LogConfig config = ReadConfig();
  return config;
}

}  // namespace

bool LogEnabled(LogLevel level) { return static_cast<int>(level) >= Config().level; }

void LogLine(LogLevel level, const std::string& text) {
  static const char* const kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm local;
  localtime_r(&now.tv_sec, &local);
  char stamp[32];
  strftime(stamp, sizeof stamp, "%Y-%m-%d-%H:%M:%S", &local);
  std::string line = fmt::format("[{}] BELAY({},{}) {}.{:03d} {}\n", kNames[static_cast<int>(level)],
                                 getpid(), syscall(SYS_gettid), stamp, now.tv_nsec / 1000000, text);
  FILE* out = Config().to_stdout ? stdout : stderr;
  fwrite(line.data(), 1, line.size(), out);
  fflush(out);
}

}  // namespace belay
