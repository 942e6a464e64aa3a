// aclgrphParseONNX and aclgrphParseONNXFromMem: options in CANN's words to ours, a ModelGraph to a ge::Graph.
#include "parser/onnx_parser.h"

#include <charconv>
#include <new>
#include <string>

#include "api/graph/model_bridge.h"
#include "backend/file_hashes.h"
#include "base/error_report.h"
#include "import/onnx/importer.h"

namespace {

using belay::InvalidArgument;
using belay::ModelGraph;
using belay::NotSupported;
using belay::OkStatus;
using belay::OnnxImportOptions;
using belay::Result;
using belay::Status;
using Params = std::map<ge::AscendString, ge::AscendString>;

struct ParserOptions {
  OnnxImportOptions import;
  std::string graph_name;
};

// "node:0;other:1"
Status ParseOutNodes(const std::string& text, OnnxImportOptions* options) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(';', start), text.size());
    const std::string entry = text.substr(start, end - start);
    start = end + 1;
    if (entry.empty()) continue;
    const size_t colon = entry.rfind(':');
    int number = 0;
    if (colon != std::string::npos) {
      const char* last = entry.data() + entry.size();
      const auto [stop, error] = std::from_chars(entry.data() + colon + 1, last, number);
      if (error != std::errc() || stop != last || number < 0) {
        return InvalidArgument("output node '{}': expected NAME:NUMBER", entry);
      }
    }
    options->out_nodes.emplace_back(entry.substr(0, colon), number);
  }
  return OkStatus();
}

Status ReadParams(const Params& params, ParserOptions* options) {
  for (const auto& [key_string, value_string] : params) {
    const char* key_text = key_string.GetString();
    const char* value_text = value_string.GetString();
    if (!key_text || !value_text)
      return InvalidArgument("a parser parameter has no key or no value");
    const std::string key = key_text, value = value_text;
    if (key == "input_shape" || key == "ge.inputShape") {
      options->import.input_shape_text = value;
    } else if (key == "ge.outputNodeName") {
      BELAY_RETURN_IF_ERROR(ParseOutNodes(value, &options->import));
    } else if (key == "output") {
      options->graph_name = value;
    } else if (key == "enable_scope_fusion_passes") {
      continue;  // names of fusions in CANN's parser: they change speed there, never results
    } else if (key == "ge.INPUT_NODES_SET_FP16" || key == "is_input_adjust_hw_layout" ||
               key == "is_output_adjust_hw_layout" || key == "input_data_names") {
      if (!value.empty() && value != "false")
        return NotSupported("parser parameter {}={}", key, value);
    } else {
      return InvalidArgument("parser parameter '{}' is unknown", key);
    }
  }
  return OkStatus();
}

ge::graphStatus Report(const char* call, const Status& status) {
  const bool unsupported = status.code() == belay::Code::kNotSupported;
  belay::ReportError({unsupported ? "E19010" : "E10001", status.message(), call,
                      belay::CodeName(status.code()),
                      unsupported ? "use what `belay ops` lists, or another opset"
                                  : "check the model and the parser parameters"});
  return ge::GRAPH_FAILED;
}

// `import` makes the ModelGraph from the options.
template <typename Import>
ge::graphStatus Parse(const char* call, const Params& params, ge::Graph* graph, Import import) try {
  ParserOptions options;
  Status status = ReadParams(params, &options);
  if (!status.ok()) {
    (void)Report(call, status);
    return ge::GRAPH_PARAM_INVALID;
  }
  Result<std::shared_ptr<ModelGraph>> model = import(options.import);
  if (!model.ok()) return Report(call, model.status());
  ge::AscendString name;
  (void)graph->GetName(name);
  if (!options.graph_name.empty()) {
    (*model)->name = options.graph_name;
  } else if (name.GetString() && *name.GetString()) {
    (*model)->name = name.GetString();
  }
  *graph = belay::GraphFromModel(*model);
  return ge::GRAPH_SUCCESS;
} catch (const std::bad_alloc&) {
  return Report(call, belay::OutOfMemory("parsing a model"));
} catch (...) {
  return Report(call, belay::Internal("an exception in the parser"));
}

}  // namespace

namespace ge {

graphStatus aclgrphParseONNX(const char* model_file, const Params& parser_params, Graph& graph) {
  const char* call = "aclgrphParseONNX";
  if (!model_file) {
    (void)Report(call, InvalidArgument("model_file is null"));
    return GRAPH_PARAM_INVALID;
  }
  return Parse(call, parser_params, &graph, [&](OnnxImportOptions options) {
    options.hashes = belay::FileHashesIn(belay::ProcessCache());
    return belay::ImportOnnxFile(model_file, options);
  });
}

graphStatus aclgrphParseONNXFromMem(const char* buffer, size_t size, const Params& parser_params,
                                    Graph& graph) {
  const char* call = "aclgrphParseONNXFromMem";
  if (!buffer || size == 0) {
    (void)Report(call, InvalidArgument("the buffer is null or empty"));
    return GRAPH_PARAM_INVALID;
  }
  return Parse(call, parser_params, &graph, [&](const OnnxImportOptions& options) {
    return belay::ImportOnnxMemory(buffer, size, options);
  });
}

}  // namespace ge
