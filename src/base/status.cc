#include "base/status.h"

#include <cstdio>
#include <cstdlib>

namespace belay {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kInvalidArgument: return "invalid argument";
    case Code::kNotFound: return "not found";
    case Code::kAlreadyExists: return "already exists";
    case Code::kFailedPrecondition: return "failed precondition";
    case Code::kNotSupported: return "not supported";
    case Code::kOutOfMemory: return "out of memory";
    case Code::kTimeout: return "timeout";
    case Code::kAborted: return "aborted";
    case Code::kInternal: return "internal error";
  }
  return "unknown";
}

Status Status::Context(const std::string& where) && {
  if (!ok()) message_ = where + ": " + message_;
  return std::move(*this);
}

std::string Status::ToString() const {
  return ok() ? "ok" : fmt::format("{}: {}", CodeName(code_), message_);
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "belay: internal check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace belay
