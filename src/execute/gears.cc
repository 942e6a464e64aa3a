#include "execute/gears.h"

#include <algorithm>

namespace belay {

std::vector<std::vector<int64_t>> GearDims(const Gears& gears, const std::vector<std::vector<int64_t>>& declared,
                                           const std::vector<int64_t>& row) {
  std::vector<std::vector<int64_t>> dims = declared;
  for (size_t k = 0; k < gears.open.size(); ++k) dims[gears.open[k].first][gears.open[k].second] = row[k];
  return dims;
}

Status CheckGears(const Gears& gears, const std::vector<TensorView>& inputs,
                  const std::function<std::string(int)>& name) {
  if (gears.rows.empty()) return OkStatus();
  std::vector<int64_t> row;
  for (const auto& [input, dim] : gears.open) row.push_back(inputs[input].dims[dim]);
  if (std::find(gears.rows.begin(), gears.rows.end(), row) != gears.rows.end()) return OkStatus();
  std::string found;
  for (size_t k = 0; k < row.size(); ++k) {
    const auto& [input, dim] = gears.open[k];
    found += fmt::format("{}'{}' dimension {} is {}", k ? ", " : "", name(input), dim, row[k]);
  }
  return InvalidArgument("input {}: none of the gears of {}", found, gears.text);
}

}  // namespace belay
