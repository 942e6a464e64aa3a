// What the compiler calls at the entry of the functions of our public libraries (cmake/belay.cmake): with BELAY_REPORT
// they are counted, without it this is a test of one byte.
#include "base/usage.h"

// Ends of the sections of api/marks.h, made by the linker; null in a library without such functions.
#define BELAY_SECTION_END(name) extern "C" const char name[] __attribute__((weak, visibility("hidden")))
BELAY_SECTION_END(__start_belay_refuses);
BELAY_SECTION_END(__stop_belay_refuses);
BELAY_SECTION_END(__start_belay_no_effect);
BELAY_SECTION_END(__stop_belay_no_effect);

namespace {

const char kHere = 0;

// False before this library's constructors have run.
const bool counting = [] {
  if (!belay::CountingUsage()) return false;
  belay::AddUsageLibrary({&kHere, __start_belay_refuses, __stop_belay_refuses, __start_belay_no_effect,
                          __stop_belay_no_effect});
  return true;
}();

}  // namespace

extern "C" {

void __cyg_profile_func_enter(void* function, void* caller) {
  if (counting) belay::CountCall(function, caller);
}

void __cyg_profile_func_exit(void*, void*) {}

}  // extern "C"
