// The wrapper around every exported function: no exception passes, every failure is reported.
#pragma once
#include <exception>
#include <new>
#include <string>
#include <type_traits>

#include "api/ge/state.h"

namespace belay::api {

// `call`: the function's name, or a callable that describes the call, asked only after a failure.
template <typename Call, typename Fn>
ge::Status Guarded(const Call& call, Fn fn) {
  Status status;
  try {
    status = fn();
  } catch (const std::bad_alloc&) {
    status = OutOfMemory("host memory is exhausted");
  } catch (const std::exception& error) {
    status = Internal("{}", error.what());
  }
  if (status.ok()) return ge::SUCCESS;
  if constexpr (std::is_invocable_v<Call>) {
    return Report(status, call());
  } else {
    return Report(status, call);
  }
}

}  // namespace belay::api
