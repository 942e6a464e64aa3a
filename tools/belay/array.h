// Host tensors of the command line: .npy files, zeros, random numbers, digests.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"

namespace belay::tool {

struct Array {
  DType dtype = DType::kF32;
  std::vector<int64_t> dims;
  std::vector<char> data;  // strings and sequences: as base/texts.h and base/sequences.h lay them out

  int64_t Count() const;
};

Array Zeros(DType dtype, std::vector<int64_t> dims);
// Floats are uniform in [-1, 1), integers and bools 0 or 1, so that they serve as indices of anything.
Array Random(DType dtype, std::vector<int64_t> dims, uint64_t seed);
// The file's element type must be `want`; two-byte voids are taken for bf16, as ml_dtypes writes them.
Result<Array> ReadNpy(const std::string& path, DType want);
Status WriteNpy(const std::string& path, const Array& array);
Result<std::string> ReadFile(const std::string& path);
Status WriteFile(const std::string& path, const std::string& bytes);

uint64_t Digest(const Array& array);                      // FNV-1a of the bytes
std::string ShapeText(const std::vector<int64_t>& dims);  // "1x3x224x224", "scalar"

}  // namespace belay::tool
