// libacl_op_compiler.so: the process-wide options of single operators. They are kept and read back; graphs have
// options of their own.
#include <fmt/format.h>

#include <cstring>
#include <mutex>
#include <string>

#include "acl/acl_op_compiler.h"
#include "api/acl/refuse.h"
#include "api/marks.h"

using belay::acl::Refuse;

namespace {

constexpr int kOptions = ACL_OP_DEBUG_OPTION + 1;

struct Options {
  Options() { values[ACL_OP_JIT_COMPILE] = "disable"; }  // what clients expect of an A2 device
  std::mutex mutex;
  std::string values[kOptions];
};

Options& TheOptions() {
  static auto* options = new Options;  // outlives static destructors of clients
  return *options;
}

aclError CheckOption(const char* call, aclCompileOpt opt) {
  if (opt >= 0 && opt < kOptions) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_INVALID_PARAM, fmt::format("there is no option {}", static_cast<int>(opt)),
                fmt::format("pass an aclCompileOpt of 0 to {}", kOptions - 1));
}

}  // namespace

extern "C" {

BELAY_NO_EFFECT aclError aclSetCompileopt(aclCompileOpt opt, const char* value) try {
  BELAY_ACL_NOT_NULL(value);
  const aclError error = CheckOption(__func__, opt);
  if (error != ACL_SUCCESS) return error;
  if (opt == ACL_OP_JIT_COMPILE && std::strcmp(value, "enable") != 0 && std::strcmp(value, "disable") != 0) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM, fmt::format("ACL_OP_JIT_COMPILE is '{}'", value),
                  "choose enable or disable");
  }
  std::lock_guard lock(TheOptions().mutex);
  TheOptions().values[opt] = value;
  return ACL_SUCCESS;
}
BELAY_ACL_END

// With the final zero; 0 for what was never set.
size_t aclGetCompileoptSize(aclCompileOpt opt) try {
  if (CheckOption(__func__, opt) != ACL_SUCCESS) return 0;
  std::lock_guard lock(TheOptions().mutex);
  const std::string& value = TheOptions().values[opt];
  return value.empty() ? 0 : value.size() + 1;
} catch (const std::bad_alloc&) {
  return 0;
}

aclError aclGetCompileopt(aclCompileOpt opt, char* value, size_t length) try {
  BELAY_ACL_NOT_NULL(value);
  const aclError error = CheckOption(__func__, opt);
  if (error != ACL_SUCCESS) return error;
  std::lock_guard lock(TheOptions().mutex);
  const std::string& have = TheOptions().values[opt];
  if (length < have.size() + 1) {
    return Refuse(__func__, ACL_ERROR_INVALID_PARAM,
                  fmt::format("option {} needs {} bytes, but length is {}", static_cast<int>(opt),
                              have.size() + 1, length),
                  "ask aclGetCompileoptSize first");
  }
  std::memcpy(value, have.c_str(), have.size() + 1);
  return ACL_SUCCESS;
}
BELAY_ACL_END

}  // extern "C"
