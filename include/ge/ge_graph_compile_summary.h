#ifndef INC_EXTERNAL_GE_GE_GRAPH_COMPILE_SUMMARY_H_
#define INC_EXTERNAL_GE_GE_GRAPH_COMPILE_SUMMARY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ge/ge_api_types.h"
#include "ge/ge_feature_memory.h"
#include "graph/ascend_string.h"
#include "graph/tensor.h"
#include "graph/types.h"

namespace ge {

class CompiledGraphSummary;
using CompiledGraphSummaryPtr = std::shared_ptr<CompiledGraphSummary>;

// What compiling a graph found out; several of the numbers exist for static graphs only.
class CompiledGraphSummary {
 public:
  ~CompiledGraphSummary();
  CompiledGraphSummary(const CompiledGraphSummary&) = delete;
  CompiledGraphSummary& operator=(const CompiledGraphSummary&) = delete;

  bool IsStatic() const;
  Status GetConstMemorySize(size_t& size) const;
  Status GetFeatureMemorySize(size_t& size) const;
  Status GetFixedFeatureMemorySize(size_t& size) const;
  std::vector<FeatureMemoryPtr> GetAllFeatureMemoryTypeSize() const;
  Status GetRefreshableFeatureMemorySize(size_t& size) const;
  Status GetFeatureMemoryBaseRefreshable(bool& v) const;
  Status GetStreamNum(size_t& num) const;
  Status GetEventNum(size_t& num) const;
  Status GetOutputShapes(std::vector<Shape>& shapes) const;
  Status GetOutputDtypes(std::vector<DataType>& dtypes) const;
  Status GetIOIndexesWithSameAddr(std::vector<std::pair<uint32_t, uint32_t>>& io_indexes) const;
  Status GetInputShardMethod(
      std::map<std::string, std::map<int32_t, std::vector<std::pair<int64_t, int64_t>>>>&
          device_id_to_tensor_deployment) const;

 private:
  friend class CompiledGraphSummaryBuilder;
  class SummaryData;
  CompiledGraphSummary() = default;
  std::shared_ptr<SummaryData> data_{nullptr};
};

// How the steps of a compiled graph are spread over streams: lines of text by name of the graph.
extern "C" ge::Status GEStreamAllocationSummaryGetStringInfos(
    const ge::CompiledGraphSummary& compiled_graph_summary,
    std::map<AscendString, std::vector<AscendString>>& graph_to_string_infos);

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_GRAPH_COMPILE_SUMMARY_H_
