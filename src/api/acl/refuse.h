// Refusing with a message: what every acl call shares, in whichever library it stands.
#pragma once
#include <new>
#include <string>

#include "acl/acl_base.h"

namespace belay::acl {

// Reports the failure of `call` on this thread and returns `code`.
aclError Refuse(const char* call, aclError code, const std::string& why, const std::string& todo = "");
aclError RefuseNull(const char* call, const char* argument);
aclError RefuseUnbuilt(const char* call, aclError code = ACL_ERROR_API_NOT_SUPPORT);
aclError RefuseBadAlloc(const char* call) noexcept;

}  // namespace belay::acl

// Every exported function is `extern "C" aclError f(...) try { ... } BELAY_ACL_END`: no exception leaves.
#define BELAY_ACL_END \
  catch (const std::bad_alloc&) { return ::belay::acl::RefuseBadAlloc(__func__); }

#define BELAY_ACL_NOT_NULL(argument)                                                    \
  do {                                                                                  \
    if ((argument) == nullptr) return ::belay::acl::RefuseNull(__func__, #argument);    \
  } while (false)
