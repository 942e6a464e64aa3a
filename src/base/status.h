// Status and Result<T>: how every fallible function inside Belay reports failure.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace belay {

// One code per reaction a caller can have; src/api maps them to CANN's numbers.
enum class Code : uint8_t {
  kOk,
  kInvalidArgument,   // the caller's value is wrong
  kNotFound,          // names something that does not exist
  kAlreadyExists,
  kFailedPrecondition,  // right call, wrong moment
  kNotSupported,      // documented, not built yet
  kOutOfMemory,
  kTimeout,
  kAborted,           // dropped before it ran
  kInternal,          // a bug of ours
};

const char* CodeName(Code code);  // "invalid argument", ...

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // Puts "where: " before the message; the inner layers say what, the outer ones where.
  Status Context(const std::string& where) &&;
  std::string ToString() const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status OkStatus() { return Status(); }

#define BELAY_DEFINE_ERROR(Name)                                            \
  template <typename... Args>                                               \
  Status Name(fmt::format_string<Args...> format, Args&&... args) {         \
    return Status(Code::k##Name, fmt::format(format, std::forward<Args>(args)...)); \
  }
BELAY_DEFINE_ERROR(InvalidArgument)
BELAY_DEFINE_ERROR(NotFound)
BELAY_DEFINE_ERROR(AlreadyExists)
BELAY_DEFINE_ERROR(FailedPrecondition)
BELAY_DEFINE_ERROR(NotSupported)
BELAY_DEFINE_ERROR(OutOfMemory)
BELAY_DEFINE_ERROR(Timeout)
BELAY_DEFINE_ERROR(Aborted)
BELAY_DEFINE_ERROR(Internal)
#undef BELAY_DEFINE_ERROR

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {}
  bool ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  Result Context(const std::string& where) && {
    if (!ok()) status_ = std::move(status_).Context(where);
    return std::move(*this);
  }

 private:
  Status status_;
  std::optional<T> value_;
};

// Our bugs only; no input may reach it.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
#define BELAY_CHECK(condition) \
  ((condition) ? (void)0 : ::belay::CheckFailed(__FILE__, __LINE__, #condition))

#define BELAY_CONCAT_(a, b) a##b
#define BELAY_CONCAT(a, b) BELAY_CONCAT_(a, b)
#define BELAY_RETURN_IF_ERROR(expr)                          \
  do {                                                       \
    ::belay::Status belay_status = (expr);                   \
    if (!belay_status.ok()) return belay_status;             \
  } while (false)
// BELAY_TRY(Plan plan, Compile(graph)): declares, or returns the error.
#define BELAY_TRY(decl, expr) BELAY_TRY_(BELAY_CONCAT(belay_result_, __LINE__), decl, expr)
#define BELAY_TRY_(tmp, decl, expr)                  \
  auto tmp = (expr);                                 \
  if (!tmp.ok()) return std::move(tmp).status();     \
  decl = *std::move(tmp)

}  // namespace belay
