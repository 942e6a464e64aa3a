// Values as the tables write them.
#pragma once
#include <string>
#include <vector>

#include "base/status.h"
#include "graph/literal.h"
#include "graph/model.h"

namespace belay {

// Splits at blanks outside of brackets and quotes.
std::vector<std::string> SplitWords(const std::string& text);
std::vector<std::string> SplitAt(const std::string& text, char separator);  // outside of brackets
std::string Trim(const std::string& text);

// "3", "[0,1]", "f16:[[1,2],[3,4]]", "[]"; "c64:[[1,2],[3,4]]" are the two numbers 1+2i and 3+4i.
Result<LiteralPtr> ParseTensor(const std::string& text, DType fallback);
// "f32[2,3]" -> dtype and extents.
bool ParseType(const std::string& text, DType* dtype, std::vector<int64_t>* dims);
// "2x3", "s".
Result<std::vector<int64_t>> ParseExtents(const std::string& text);
// By the prototype's attribute type: Int Float Bool String Type Tensor, List of these, ListListInt.
Result<AttrValue> ParseAttr(const std::string& type, const std::string& text);

}  // namespace belay
