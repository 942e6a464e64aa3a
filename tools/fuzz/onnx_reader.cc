// Fuzz entry of the ONNX reader and importer. Not part of the build; with clang's compiler-rt:
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -Isrc tools/fuzz/onnx_reader.cc
//     $(find src/base src/graph src/ops src/import -name '*.cc') build/generated/*.cc -lfmt -lpthread -o onnx_reader
//   ./onnx_reader -max_len=8192 CORPUS tests/import/models
#include <cstddef>
#include <cstdint>

#include "import/onnx/importer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  belay::Result<std::shared_ptr<belay::ModelGraph>> model = belay::ImportOnnxMemory(data, size);
  if (model.ok() && *model == nullptr) __builtin_trap();
  return 0;
}
