// Values of options that have a form of their own.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace belay {

// Parts between separators, without blanks around them.
std::vector<std::string> SplitText(const std::string& text, char separator);

// "5368709120", or a product like "31 * (1024UL * 1024UL)".
Result<int64_t> ParseBytes(const std::string& text);
// "0;1" or "0,1"
Result<std::vector<int>> ParseIndexes(const std::string& text);
// "0,1|2,0"
Result<std::vector<std::pair<int, int>>> ParsePairs(const std::string& text);
// "1,224;2,224": rows of one length.
Result<std::vector<std::vector<int64_t>>> ParseGears(const std::string& text);
// "x:1,3;y:-1": extents by name, in order; a scalar is "x:". -1 is an open extent.
using NamedShapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;
Result<NamedShapes> ParseShapes(const std::string& text);
// "0:[2,3];1:[]": extents by input.
Result<std::map<int, std::vector<int64_t>>> ParseHints(const std::string& text);
// "node:0;last:1"
Result<std::vector<std::pair<std::string, int>>> ParseOutputs(const std::string& text);

}  // namespace belay
