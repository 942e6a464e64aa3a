// Texts in library functions: tensors of them hold numbers of the run's values.
#pragma once
#include <string>
#include <vector>

#include "graph/library.h"

namespace belay {

// The texts of an input, one per element; they stay where they are until the run ends.
Result<std::vector<const std::string*>> TextsOf(const LibraryCall& call, int input);

// UTF-8 as code points; a byte that belongs to none is its own value.
std::vector<char32_t> CodePoints(const std::string& text);
void AppendUtf8(char32_t code, std::string* out);

}  // namespace belay
