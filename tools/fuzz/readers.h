// What the fuzzer calls.
#pragma once
#include <string>

#include "mutate.h"

namespace belay::fuzz {

struct Reader {
  const char* name;
  bool (*read)(const std::string& bytes);              // it was a graph, or did what is asked of it
  std::string (*seed)(const std::string& onnx_model);  // the bytes to begin with; empty: none
  std::string (*mutate)(const std::string& bytes, const std::string& other, Random* random);
  const char* done;        // what is said of bytes that `read` took
  bool in_a_child = false;  // it may take all memory and time; see watch.h
};
const Reader* FindReader(const std::string& name);  // nullptr: none

}  // namespace belay::fuzz
