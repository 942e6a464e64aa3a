// Gears: the sets of extents that the calls of a graph with open extents may have.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "execute/tensor_view.h"

namespace belay {

struct Gears {
  std::vector<std::pair<int, int>> open;   // input, dimension
  std::vector<std::vector<int64_t>> rows;  // by gear: one value per open extent
  std::string text;                        // the option that set them: "ge.dynamicBatchSize=1,2,4"
};

// The extents of every input in gear `row`; declared: with the open ones.
std::vector<std::vector<int64_t>> GearDims(const Gears& gears, const std::vector<std::vector<int64_t>>& declared,
                                           const std::vector<int64_t>& row);
// Refuses a call that is in no gear; without rows any call is good. name: of an input, asked only then.
Status CheckGears(const Gears& gears, const std::vector<TensorView>& inputs,
                  const std::function<std::string(int)>& name);

}  // namespace belay
