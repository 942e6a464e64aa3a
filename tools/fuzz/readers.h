// What the fuzzer calls.
#pragma once
#include <string>

namespace belay::fuzz {

struct Reader {
  const char* name;
  bool (*read)(const std::string& bytes);             // it was a graph
  std::string (*seed)(const std::string& onnx_model);  // the bytes to begin with; empty: none
};
const Reader* FindReader(const std::string& name);  // nullptr: none

}  // namespace belay::fuzz
