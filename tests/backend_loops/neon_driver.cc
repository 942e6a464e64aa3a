// Runs kernels made for AArch64 under qemu-user: reads their buffers from a file, writes the
// outputs to another. Linked with the objects, with a generated table of them, and with
// run_support.cc.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "backend/cpu/run_support.h"

extern "C" {
extern const belay::KernelFn kKernels[];
extern const int kKernelCount;
}

namespace {

int64_t Read(FILE* in) {
  int64_t v = 0;
  if (std::fread(&v, sizeof v, 1, in) != 1) std::exit(2);
  return v;
}

std::vector<int64_t> ReadList(FILE* in) {
  std::vector<int64_t> list(static_cast<size_t>(Read(in)));
  for (int64_t& v : list) v = Read(in);
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  FILE* in = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
  FILE* out = in ? std::fopen(argv[2], "wb") : nullptr;
  if (out == nullptr) return 2;
  for (int k = 0; k < kKernelCount; ++k) {
    int64_t chunks = Read(in);
    std::vector<int64_t> params = ReadList(in), sizes = ReadList(in);
    std::vector<std::vector<char>> data;
    std::vector<void*> buffers;
    for (int64_t size : sizes) {
      data.emplace_back(static_cast<size_t>(size) + 1);
      if (size && std::fread(data.back().data(), static_cast<size_t>(size), 1, in) != 1) return 2;
    }
    for (auto& d : data) buffers.push_back(d.data());
    belay::RunError error;
    belay::KernelCall call{buffers.data(), params.data(), &error, nullptr};
    kKernels[k](&call, 0, chunks);
    if (error.set.load() != 0) return 3;
    std::fwrite(data.back().data(), static_cast<size_t>(sizes.back()), 1, out);
  }
  return std::fclose(out) == 0 ? 0 : 2;
}
