#include "ge/ge_graph_compile_summary.h"

#include "api/ge_compiler/summary_data.h"
#include "base/error_report.h"
#include "ge/ge_api_error_codes.h"

namespace ge {
namespace {

// Sizes and outputs are fixed for static graphs only.
template <typename Data, typename T>
Status Static(const char* call, const std::shared_ptr<Data>& data, const T& value, T* out) {
  if (!data->is_static) {
    belay::ReportError({"E10062", "The graph is not static: this is known only when it runs",
                        std::string("CompiledGraphSummary::") + call, "failed precondition",
                        "ask when IsStatic() is true"});
    return FAILED;
  }
  *out = value;
  return SUCCESS;
}

}  // namespace

CompiledGraphSummaryPtr CompiledGraphSummaryBuilder::Build(Data data) {
  CompiledGraphSummaryPtr summary(new CompiledGraphSummary());
  summary->data_ = std::make_shared<Data>(std::move(data));
  return summary;
}
FeatureMemoryPtr FeatureMemoryBuilder::Build(FeatureMemory::FeatureMemoryData data) {
  FeatureMemoryPtr memory(new FeatureMemory());
  memory->data_ = std::make_shared<FeatureMemory::FeatureMemoryData>(std::move(data));
  return memory;
}

FeatureMemory::~FeatureMemory() = default;
MemoryType FeatureMemory::GetType() const { return data_->type; }
size_t FeatureMemory::GetSize() const { return data_->size; }
bool FeatureMemory::IsFixed() const { return data_->fixed; }

CompiledGraphSummary::~CompiledGraphSummary() = default;
bool CompiledGraphSummary::IsStatic() const { return data_->is_static; }
Status CompiledGraphSummary::GetConstMemorySize(size_t& size) const {
  return Static(__func__, data_, data_->const_bytes, &size);
}
Status CompiledGraphSummary::GetFeatureMemorySize(size_t& size) const {
  return Static(__func__, data_, data_->feature_bytes, &size);
}
Status CompiledGraphSummary::GetFixedFeatureMemorySize(size_t& size) const {
  size = data_->fixed_feature_bytes;
  return SUCCESS;
}
std::vector<FeatureMemoryPtr> CompiledGraphSummary::GetAllFeatureMemoryTypeSize() const {
  std::vector<FeatureMemoryPtr> kinds;
  const size_t fixed = data_->fixed_feature_bytes;
  if (fixed != 0) {
    kinds.push_back(FeatureMemoryBuilder::Build({MemoryType::MEMORY_TYPE_DEFAULT, fixed, true}));
  }
  if (data_->feature_bytes > fixed) {
    kinds.push_back(FeatureMemoryBuilder::Build(
        {MemoryType::MEMORY_TYPE_DEFAULT, data_->feature_bytes - fixed, false}));
  }
  return kinds;
}
Status CompiledGraphSummary::GetRefreshableFeatureMemorySize(size_t& size) const {
  return Static(__func__, data_, data_->feature_bytes - data_->fixed_feature_bytes, &size);
}
Status CompiledGraphSummary::GetFeatureMemoryBaseRefreshable(bool& v) const {
  return Static(__func__, data_, data_->refreshable, &v);
}
Status CompiledGraphSummary::GetStreamNum(size_t& num) const {
  num = data_->streams;
  return SUCCESS;
}
Status CompiledGraphSummary::GetEventNum(size_t& num) const {
  num = data_->events;
  return SUCCESS;
}
Status CompiledGraphSummary::GetOutputShapes(std::vector<Shape>& shapes) const {
  return Static(__func__, data_, data_->output_shapes, &shapes);
}
Status CompiledGraphSummary::GetOutputDtypes(std::vector<DataType>& dtypes) const {
  return Static(__func__, data_, data_->output_dtypes, &dtypes);
}
Status CompiledGraphSummary::GetIOIndexesWithSameAddr(
    std::vector<std::pair<uint32_t, uint32_t>>& io_indexes) const {
  return Static(__func__, data_, data_->shared_io, &io_indexes);
}

Status GEStreamAllocationSummaryGetStringInfos(
    const CompiledGraphSummary& compiled_graph_summary,
    std::map<AscendString, std::vector<AscendString>>& graph_to_string_infos) {
  graph_to_string_infos = CompiledGraphSummaryBuilder::Of(compiled_graph_summary).stream_texts;
  return SUCCESS;
}

}  // namespace ge
