#include "import/onnx/importer.h"

#include <algorithm>
#include <charconv>

#include "import/onnx/functions.h"
#include "import/onnx/graph_importer.h"
#include "import/onnx/reader.h"

namespace belay {
namespace {

using namespace onnx;

// Operators without a rule, in subgraphs too that no rule would ask for.
void CollectMissing(const ImportContext& ctx, const onnx::Graph& graph, const std::string& outer) {
  for (const onnx::Node& node : graph.nodes) {
    const std::string where = outer + NodeText(node);
    for (const Attribute& a : node.attributes) {
      if (a.g) CollectMissing(ctx, *a.g, where + ": ");
      for (const auto& g : a.graphs) CollectMissing(ctx, *g, where + ": ");
    }
    if (node.domain.empty() && node.op == "Constant") continue;
    try {
      const int opset = OpsetOf(ctx, node);
      if (FindOnnxRule(RuleKey(node), opset)) continue;
      // A later version may be there; then the opset is what the reader wants to know.
      const bool later = FindOnnxRule(RuleKey(node), 1 << 20) != nullptr;
      const std::string op = later ? fmt::format("{} of opset {}", RuleKey(node), opset) : RuleKey(node);
      ctx.problems->Add({DisplayName(node), op, where, "", Code::kNotSupported, true});
    } catch (OpError& e) {
      ctx.problems->Add({DisplayName(node), RuleKey(node), where, e.status.message(), e.status.code()});
    }
  }
}

Status CheckVersions(const Model& model) {
  if (!model.has_graph || model.ir_version == 0) {
    return InvalidArgument("this is no ONNX model: it has no {}",
                           model.has_graph ? "IR version" : "graph");
  }
  if (model.ir_version < 0 || model.ir_version > kNewestOnnxIr) {
    return NotSupported("IR version {}; the newest known is {}", model.ir_version, kNewestOnnxIr);
  }
  auto opset = model.opsets.find("");
  if (opset != model.opsets.end() && opset->second > kNewestOnnxOpset) {
    return NotSupported("opset {}; the newest known is {}", opset->second, kNewestOnnxOpset);
  }
  return OkStatus();
}

bool HasInput(const Model& model, const std::string& name) {
  return std::any_of(model.graph.inputs.begin(), model.graph.inputs.end(),
                     [&](const ValueInfo& v) { return v.name == name; });
}

bool ParseDims(const std::string& text, std::vector<int64_t>* dims) {
  dims->clear();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data() + start, text.data() + end, value);
    if (error != std::errc() || stop != text.data() + end || value < -1 || value > INT32_MAX)
      return false;
    dims->push_back(value);
    start = end + 1;
  }
  return true;
}

// One "name:1,3,-1"; a bare name is a scalar.
Status ParseShape(const Model& model, const std::string& entry, OnnxImportOptions* options) {
  if (HasInput(model, entry)) {
    options->input_shapes[entry] = {};
    return OkStatus();
  }
  const size_t colon = entry.rfind(':');
  if (colon == std::string::npos) return NotFound("shape '{}': the model has no such input", entry);
  std::vector<int64_t> dims;
  if (!ParseDims(entry.substr(colon + 1), &dims)) {
    return InvalidArgument("shape '{}': expected NAME:EXTENT,EXTENT,... with extents of -1 or more",
                           entry);
  }
  options->input_shapes[entry.substr(0, colon)] = dims;
  return OkStatus();
}

Status ResolveShapes(const Model& model, OnnxImportOptions* options) {
  const std::string& text = options->input_shape_text;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(';', start), text.size());
    if (end > start)
      BELAY_RETURN_IF_ERROR(ParseShape(model, text.substr(start, end - start), options));
    start = end + 1;
  }
  for (const auto& [name, dims] : options->input_shapes) {
    if (!HasInput(model, name))
      return NotFound("a shape is given for input '{}', which the model does not have", name);
  }
  return OkStatus();
}

Result<std::shared_ptr<ModelGraph>> Import(std::string_view bytes, ExternalFiles files,
                                           OnnxImportOptions options) {
  BELAY_TRY(Model model, ReadModel(bytes));
  BELAY_RETURN_IF_ERROR(CheckVersions(model));
  if (model.opsets.empty() && model.ir_version < 3) model.opsets[""] = 1;
  BELAY_RETURN_IF_ERROR(ResolveShapes(model, &options));
  BELAY_RETURN_IF_ERROR(InlineFunctions(&model));
  FindLateBytes(&model.graph.initializers, &files, options.hashes.get());
  Problems own;
  const ImportContext ctx{model, options, &files, options.problems ? options.problems : &own};
  CollectMissing(ctx, model.graph, "");
  GraphImporter importer(ctx, nullptr);
  try {
    importer.Run(model.graph, {});
  } catch (OpError& e) {
    ctx.problems->Add({"", "", "", e.status.message(), e.status.code()});
    return ctx.problems->ToStatus();
  }
  if (!own.empty()) return own.ToStatus();
  return importer.graph();
}

Result<std::shared_ptr<ModelGraph>> Guarded(std::string_view bytes, ExternalFiles files,
                                            const OnnxImportOptions& options) {
  try {
    return Import(bytes, std::move(files), options);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("importing a model of {} bytes", bytes.size());
  } catch (const std::exception& e) {
    return Internal("importing a model of {} bytes: {}", bytes.size(), e.what());
  }
}

}  // namespace

Result<std::shared_ptr<ModelGraph>> ImportOnnxFile(const std::string& path,
                                                   const OnnxImportOptions& options) {
  BELAY_TRY(std::shared_ptr<const MappedFile> file, MapFile(path));
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return Guarded({file->data, file->size}, ExternalFiles(directory, file), options).Context(path);
}

Result<std::shared_ptr<ModelGraph>> ImportOnnxMemory(const void* data, size_t size,
                                                     const OnnxImportOptions& options) {
  return Guarded({static_cast<const char*>(data), size}, ExternalFiles(""), options);
}

}  // namespace belay
