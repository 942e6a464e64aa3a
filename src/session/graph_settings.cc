#include "session/graph_settings.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/error_report.h"
#include "session/option_values.h"

namespace belay {
namespace {

using Dims = std::vector<int64_t>;

// By value of the two keys. Modes that allow more than rounding the operands of contractions get just that.
constexpr std::pair<std::string_view, Precision> kPrecisionModes[] = {
    {"origin", Precision::kOrigin},
    {"mixed_bfloat16", Precision::kBF16},
    {"mixed_float16", Precision::kF16},
    {"cube_fp16in_fp32out", Precision::kF16},
    {"fp16", Precision::kF16},
    {"force_fp32", Precision::kOrigin},
    {"must_keep_origin_dtype", Precision::kOrigin},
    {"force_fp16", Precision::kF16},
    {"allow_fp32_to_fp16", Precision::kF16},
    {"allow_mix_precision", Precision::kF16},
    {"allow_mix_precision_fp16", Precision::kF16},
    {"allow_mix_precision_bf16", Precision::kBF16},
    {"allow_fp32_to_bf16", Precision::kBF16},
};

Precision PrecisionOf(const OptionMap& options) {
  for (const char* key : {"ge.exec.precision_mode", "ge.exec.precision_mode_v2"}) {
    for (const auto& [name, precision] : kPrecisionModes) {
      if (name == OptionOf(options, key)) return precision;
    }
  }
  return Precision::kOrigin;
}

std::vector<std::string> DisabledPasses(const OptionMap& options) {
  std::vector<std::string> passes;
  const std::vector<std::string> named = SplitText(OptionOf(options, "ge.disableOptimizations"), ',');
  const bool listed = std::find(named.begin(), named.end(), "ConstantFoldingPass") != named.end();
  if (!listed && OptionOf(options, "ge.oo.constantFolding") != "false") return passes;
  for (const PassEntry& pass : PassTable()) {
    if (std::string_view(pass.name).starts_with("fold-constants")) passes.push_back(pass.name);
  }
  return passes;
}

std::string Text(const Dims& dims) {
  std::string text;
  for (int64_t d : dims) text += fmt::format("{}{}", text.empty() ? "" : ",", d);
  return "[" + text + "]";
}

bool IsOpenRank(const Dims& dims) { return dims == Dims{-2}; }

// The Data nodes of a model by index.
struct Inputs {
  std::vector<ModelNode*> nodes;

  Dims& dims(size_t i) { return nodes[i]->output_descs[0].dims; }
  int Find(const std::string& name) const {
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i]->name == name) return static_cast<int>(i);
    }
    return -1;
  }
};

Result<Inputs> InputsOf(ModelGraph* model) {
  BELAY_TRY(const std::vector<const ModelNode*> found, ModelInputs(*model));
  Inputs inputs;
  for (const ModelNode* node : found) {
    inputs.nodes.push_back(const_cast<ModelNode*>(node));
    if (node->output_descs.empty()) inputs.nodes.back()->output_descs.emplace_back();
  }
  return inputs;
}

// Fixed extents replace open ones; returns the inputs named, in order.
Result<std::vector<int>> ApplyShapes(const std::string& key, const std::string& value, Inputs* inputs) {
  std::vector<int> order;
  if (value.empty()) return order;
  BELAY_TRY(const NamedShapes shapes, ParseShapes(value));
  for (const auto& [name, dims] : shapes) {
    const int i = inputs->Find(name);
    if (i < 0) return InvalidArgument("{} names '{}', which is no input of the graph", key, name);
    Dims& declared = inputs->dims(static_cast<size_t>(i));
    bool fits = IsOpenRank(declared) || declared.size() == dims.size();
    for (size_t d = 0; fits && !IsOpenRank(declared) && d < dims.size(); ++d) {
      fits = declared[d] < 0 || dims[d] < 0 || declared[d] == dims[d];
    }
    if (!fits) {
      return InvalidArgument("{} gives input '{}' the shape {}, but the graph declares {}", key, name, Text(dims),
                             Text(declared));
    }
    declared = dims;
    order.push_back(i);
  }
  return order;
}

struct GearOption {
  std::string key, value;
};

Result<GearOption> OneGearOption(const OptionMap& options) {
  GearOption found;
  for (const char* key : {"ge.dynamicDims", "ge.dynamicBatchSize", "ge.dynamicImageSize"}) {
    const std::string value = OptionOf(options, key);
    if (value.empty()) continue;
    if (!found.key.empty()) return InvalidArgument("options '{}' and '{}' exclude each other", found.key, key);
    found = {key, value};
  }
  return found;
}

constexpr size_t kLeastGears = 2, kMostGears = 100;

// Where a value of a row goes: gears of ge.dynamicDims fill open extents one by one, batches and images share theirs.
int ColumnOf(const std::string& key, bool channels_last, int dim, size_t rank, int next) {
  if (key == "ge.dynamicDims") return next;
  if (key == "ge.dynamicBatchSize") return dim == 0 ? 0 : -1;
  const int height = channels_last ? 1 : 2;
  return rank == 4 && (dim == height || dim == height + 1) ? dim - height : -1;
}

struct OpenExtents {
  std::vector<std::pair<int, int>> places;  // input, dimension
  std::vector<int> columns;                 // by place: its value in a row
  size_t width() const {
    return columns.empty() ? 0 : static_cast<size_t>(*std::max_element(columns.begin(), columns.end())) + 1;
  }
};

// Of the inputs in `order`; all by index when it is empty.
Result<OpenExtents> FindOpen(const std::string& key, bool channels_last, std::vector<int> order, Inputs* inputs) {
  OpenExtents open;
  if (order.empty()) {
    for (size_t i = 0; i < inputs->nodes.size(); ++i) order.push_back(static_cast<int>(i));
  }
  for (int i : order) {
    const Dims& dims = inputs->dims(static_cast<size_t>(i));
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] >= 0) continue;
      const int dim = static_cast<int>(d), next = static_cast<int>(open.columns.size());
      const int column = IsOpenRank(dims) ? -1 : ColumnOf(key, channels_last, dim, dims.size(), next);
      if (column < 0) {
        return InvalidArgument("option '{}' says nothing of dimension {} of input '{}', which is open", key, d,
                               inputs->nodes[static_cast<size_t>(i)]->name);
      }
      open.places.emplace_back(i, dim);
      open.columns.push_back(column);
    }
  }
  return open;
}

Result<std::vector<Dims>> ParseRows(const GearOption& option) {
  std::string list = option.value;
  if (option.key == "ge.dynamicBatchSize") std::replace(list.begin(), list.end(), ',', ';');
  BELAY_TRY(const std::vector<Dims> rows, ParseGears(list));
  if (rows.size() < kLeastGears || rows.size() > kMostGears) {
    return InvalidArgument("option '{}' has {} gears, but takes {} to {}", option.key, rows.size(), kLeastGears,
                           kMostGears);
  }
  return rows;
}

// order: the inputs that ge.inputShape names.
Result<Gears> ReadGears(const OptionMap& options, const std::vector<int>& order, Inputs* inputs) {
  Gears gears;
  BELAY_TRY(const GearOption option, OneGearOption(options));
  if (option.key.empty()) return gears;
  if (option.key == "ge.dynamicDims" && OptionOf(options, "ge.dynamicNodeType").empty()) {
    return InvalidArgument("option 'ge.dynamicDims' needs 'ge.dynamicNodeType'\nDo: set it to 1 (Data nodes)");
  }
  BELAY_TRY(const std::vector<Dims> rows, ParseRows(option));
  const bool channels_last = OptionOf(options, "input_format") == "NHWC";
  BELAY_TRY(OpenExtents open, FindOpen(option.key, channels_last, order, inputs));
  if (open.width() != rows[0].size()) {
    return InvalidArgument("option '{}' has {} values per gear, but the inputs have {} open extents", option.key,
                           rows[0].size(), open.width());
  }
  for (const Dims& row : rows) {
    Dims& values = gears.rows.emplace_back();
    for (int column : open.columns) values.push_back(row[static_cast<size_t>(column)]);
  }
  gears.open = std::move(open.places);
  gears.text = option.key + "=" + option.value;
  return gears;
}

// With gears, no other extent may stay open.
Status CheckClosed(const Gears& gears, const Inputs& inputs) {
  if (gears.rows.empty()) return OkStatus();
  for (size_t i = 0; i < inputs.nodes.size(); ++i) {
    const Dims& dims = inputs.nodes[i]->output_descs[0].dims;
    for (size_t d = 0; d < dims.size(); ++d) {
      const std::pair<int, int> place(static_cast<int>(i), static_cast<int>(d));
      const bool known = std::find(gears.open.begin(), gears.open.end(), place) != gears.open.end();
      if (dims[d] >= 0 || known) continue;
      return InvalidArgument("dimension {} of input '{}' is open, but ge.inputShape does not name the input", d,
                             inputs.nodes[i]->name);
    }
  }
  return OkStatus();
}

// Extents for every input, or none when a hint is missing where an extent is open.
Result<std::vector<Dims>> ReadHints(const std::string& value, Inputs* inputs) {
  std::vector<Dims> hints;
  if (value.empty()) return hints;
  BELAY_TRY(const auto given, ParseHints(value));
  for (size_t i = 0; i < inputs->nodes.size(); ++i) {
    const Dims& declared = inputs->dims(i);
    auto it = given.find(static_cast<int>(i));
    if (it == given.end()) {
      if (std::any_of(declared.begin(), declared.end(), [](int64_t d) { return d < 0; })) return std::vector<Dims>();
      hints.push_back(declared);
      continue;
    }
    bool fits = IsOpenRank(declared) || declared.size() == it->second.size();
    for (size_t d = 0; fits && !IsOpenRank(declared) && d < declared.size(); ++d) {
      fits = declared[d] < 0 || declared[d] == it->second[d];
    }
    if (!fits) {
      return InvalidArgument("ge.inputHintShape gives input {} '{}' the shape {}, but the graph declares {}", i,
                             inputs->nodes[i]->name, Text(it->second), Text(declared));
    }
    hints.push_back(it->second);
  }
  return hints;
}

Status ChooseOutputs(const std::string& value, ModelGraph* model) {
  if (value.empty()) return OkStatus();
  BELAY_TRY(const auto chosen, ParseOutputs(value));
  model->outputs.clear();
  model->output_names.clear();
  for (const auto& [name, index] : chosen) {
    const auto it = std::find_if(model->nodes.begin(), model->nodes.end(),
                                 [&, n = name](const ModelNode& node) { return node.name == n; });
    if (it == model->nodes.end()) return InvalidArgument("ge.outputNodeName: the graph has no node '{}'", name);
    if (index >= static_cast<int>(it->output_ports.size())) {
      return InvalidArgument("ge.outputNodeName: node '{}' has {} outputs, not {}", name, it->output_ports.size(),
                             index + 1);
    }
    model->outputs.push_back({static_cast<int>(it - model->nodes.begin()), index});
  }
  return OkStatus();
}

const std::map<std::string, DType>& OutputTypes() {
  static const auto* const types = new std::map<std::string, DType>{
      {"FP32", DType::kF32},  {"FP16", DType::kF16},  {"DOUBLE", DType::kF64}, {"UINT8", DType::kU8},
      {"INT8", DType::kI8},   {"UINT16", DType::kU16}, {"INT16", DType::kI16}, {"UINT32", DType::kU32},
      {"INT32", DType::kI32}, {"UINT64", DType::kU64}, {"INT64", DType::kI64}};
  return *types;
}

// A Cast behind every output.
void CastOutputs(const std::string& value, ModelGraph* model) {
  const auto type = OutputTypes().find(value);
  if (type == OutputTypes().end()) return;
  for (size_t k = 0; k < model->outputs.size(); ++k) {
    ModelNode cast;
    cast.name = fmt::format("{}/output{}_as_{}", model->nodes[model->outputs[k].node].name, k, value);
    cast.type = "Cast";
    cast.inputs = {model->outputs[k]};
    cast.input_ports = {{"x", 0}};
    cast.output_ports = {{"y", 0}};
    cast.output_descs.resize(1);
    cast.attrs["dst_type"] = static_cast<int64_t>(type->second);
    model->outputs[k] = {static_cast<int>(model->nodes.size()), 0};
    model->nodes.push_back(std::move(cast));
  }
}

}  // namespace

Result<GraphSettings> ApplyOptions(const OptionMap& options, ModelGraph* model) {
  GraphSettings settings;
  settings.precision = PrecisionOf(options);
  settings.plain_sums = OptionOf(options, "ge.opSelectImplmode").starts_with("high_precision");
  settings.disabled_passes = DisabledPasses(options);
  settings.code_cache = CodeCacheOf(options);
  BELAY_TRY(Inputs inputs, InputsOf(model));
  std::vector<int> order;
  for (const char* key : {"input_shape", "ge.inputShape"}) {
    BELAY_TRY(const std::vector<int> named, ApplyShapes(key, OptionOf(options, key), &inputs));
    if (!named.empty()) order = named;
  }
  BELAY_TRY(settings.gears, ReadGears(options, order, &inputs));
  BELAY_RETURN_IF_ERROR(CheckClosed(settings.gears, inputs));
  BELAY_TRY(settings.hints, ReadHints(OptionOf(options, "ge.inputHintShape"), &inputs));
  BELAY_RETURN_IF_ERROR(ChooseOutputs(OptionOf(options, "ge.outputNodeName"), model));
  CastOutputs(OptionOf(options, "ge.outputDatatype"), model);
  return settings;
}

}  // namespace belay
