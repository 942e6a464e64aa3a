// Calls that clients link but that are not built yet: each refuses and says so.
#pragma once
#include "api/acl/refuse.h"
#include "api/marks.h"

#define BELAY_UNBUILT_CODE(code, name, ...) \
  BELAY_REFUSES aclError name(__VA_ARGS__) try { return ::belay::acl::RefuseUnbuilt(#name, code); } BELAY_ACL_END
#define BELAY_UNBUILT_VALUE(type, value, name, ...)   \
  BELAY_REFUSES type name(__VA_ARGS__) try {          \
    (void)::belay::acl::RefuseUnbuilt(#name);         \
    return value;                                     \
  } catch (const std::bad_alloc&) { return value; }
#define BELAY_UNBUILT_VOID(name, ...)                 \
  BELAY_REFUSES void name(__VA_ARGS__) try { (void)::belay::acl::RefuseUnbuilt(#name); } \
  catch (const std::bad_alloc&) {}
