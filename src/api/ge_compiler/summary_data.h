// What a CompiledGraphSummary tells; Session::GetCompiledGraphSummary fills it.
#pragma once
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "ge/ge_graph_compile_summary.h"

namespace ge {

class CompiledGraphSummary::SummaryData {
 public:
  bool is_static = false;
  size_t const_bytes = 0;
  size_t feature_bytes = 0;
  size_t fixed_feature_bytes = 0;
  bool refreshable = false;
  size_t streams = 1;
  size_t events = 0;
  std::vector<Shape> output_shapes;
  std::vector<DataType> output_dtypes;
  std::vector<std::pair<uint32_t, uint32_t>> shared_io;  // input, output
  std::map<AscendString, std::vector<AscendString>> stream_texts;  // by graph
};

class CompiledGraphSummaryBuilder {
 public:
  using Data = CompiledGraphSummary::SummaryData;
  static CompiledGraphSummaryPtr Build(Data data);
  static const Data& Of(const CompiledGraphSummary& summary) { return *summary.data_; }
};

class FeatureMemory::FeatureMemoryData {
 public:
  MemoryType type = MemoryType::MEMORY_TYPE_DEFAULT;
  size_t size = 0;
  bool fixed = false;
};

class FeatureMemoryBuilder {
 public:
  static FeatureMemoryPtr Build(FeatureMemory::FeatureMemoryData data);
};

}  // namespace ge
