// torch's CUDA build and torch_npu each register a parser for the same allocator options, and the second one to
// come aborts the process. Loaded before torch with RTLD_GLOBAL, this gives libtorch_npu.so option names of its own.
#include <dlfcn.h>

#include <cstring>
#include <string>
#include <unordered_set>

#define NAME "_ZN3c1016CachingAllocator26AcceleratorAllocatorConfig14getMutableKeysB5cxx11Ev"

using Keys = std::unordered_set<std::string>;
Keys& MutableKeys() __asm__(NAME);

Keys& MutableKeys() {
  static Keys own;
  Dl_info caller;
  if (dladdr(__builtin_return_address(0), &caller) && std::strstr(caller.dli_fname, "libtorch_npu.so")) return own;
  static const auto real = [] {
    void* const c10 = dlopen("libc10.so", RTLD_NOLOAD | RTLD_LAZY);
    return reinterpret_cast<Keys& (*)()>(dlsym(c10 ? c10 : RTLD_NEXT, NAME));
  }();
  return real ? real() : own;
}
