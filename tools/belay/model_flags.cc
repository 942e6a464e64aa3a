#include "model_flags.h"

#include <chrono>
#include <cstdio>

namespace belay::tool {
namespace {

// "NAME=VALUE"; names may hold '=', values of ours do not start with one.
Result<std::map<std::string, std::string>> SplitPairs(const std::vector<std::string>& pairs,
                                                      const char* flag, const ModelInfo& info) {
  std::map<std::string, std::string> map;
  for (const std::string& pair : pairs) {
    bool found = false;
    for (const ModelInput& in : info.inputs) {
      if (pair.compare(0, in.name.size() + 1, in.name + "=") != 0) continue;
      map[in.name] = pair.substr(in.name.size() + 1);
      found = true;
    }
    if (found) continue;
    std::string names;
    for (const ModelInput& in : info.inputs) names += (names.empty() ? "" : ", ") + in.name;
    return InvalidArgument("{} {}: the model has no such input; it has {}", flag, pair, names);
  }
  return map;
}

// The declared shape with a given one filled in; what stays open becomes 1.
Result<std::vector<int64_t>> ResolveShape(const ModelInput& in,
                                          const std::map<std::string, std::string>& shapes) {
  std::vector<int64_t> dims = in.dims;
  auto given = shapes.find(in.name);
  if (given != shapes.end()) {
    BELAY_TRY(dims, ParseShape(in.name, given->second));
  } else if (!in.ranked) {
    return InvalidArgument("input {} has no shape in the model: give --shape {}=...", in.name,
                           in.name);
  }
  for (int64_t& d : dims) {
    if (d < 0) d = 1;
  }
  return dims;
}

Result<Array> MakeInput(const ModelInput& in, const std::string& source,
                        const std::vector<int64_t>& dims) {
  if (source == "zeros") return Zeros(in.dtype, dims);
  if (source.compare(0, 7, "random:") == 0) {
    return Random(in.dtype, dims, std::strtoull(source.c_str() + 7, nullptr, 10));
  }
  return ReadNpy(source, in.dtype).Context("input " + in.name);
}

bool IsFile(const std::string& source) {
  return source != "zeros" && source.compare(0, 7, "random:") != 0;
}

}  // namespace

Result<std::vector<int64_t>> ParseShape(const std::string& name, const std::string& text) {
  std::vector<int64_t> dims;
  if (text == "scalar" || text.empty()) return dims;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('x', start), text.size());
    char* stop = nullptr;
    const long long v = std::strtoll(text.c_str() + start, &stop, 10);
    if (end == start || stop != text.c_str() + end || v < 0) {
      return InvalidArgument("--shape {}={}: expected extents like 1x3x224x224", name, text);
    }
    dims.push_back(v);
    start = end + 1;
  }
  return dims;
}

void ModelFlags::Add(CLI::App* command) {
  command->add_option("model", model, "the .onnx file")->required();
  command->add_option(
      "--input", inputs,
      "NAME=FILE.npy, NAME=zeros or NAME=random:SEED; random:1 where none is given");
  command->add_option("--shape", shapes,
                      "NAME=1x3x224x224; extents the model leaves open are 1 where none is given");
  command->add_flag("--dynamic", dynamic,
                    "keep open extents open instead of compiling for the given ones");
  command->add_option("--threads", threads, "compute threads; all cores where not given")
      ->check(CLI::PositiveNumber);
  command->add_option("--precision", precision, "origin or bf16")
      ->check(CLI::IsMember({"origin", "bf16"}));
}

Result<PreparedModel> Prepare(const ModelFlags& flags, bool progress) {
  const auto start = std::chrono::steady_clock::now();
  PreparedModel prepared;
  BELAY_TRY(prepared.info, ReadModelInfo(flags.model));
  BELAY_TRY(auto sources, SplitPairs(flags.inputs, "--input", prepared.info));
  BELAY_TRY(auto shapes, SplitPairs(flags.shapes, "--shape", prepared.info));
  RunnerOptions options;
  options.precision = flags.precision;
  options.progress = progress;
  std::vector<Array> inputs;
  for (const ModelInput& in : prepared.info.inputs) {
    if (in.is_initializer) {
      if (sources.count(in.name))
        return NotSupported("--input {}: it is a constant of the model", in.name);
      continue;
    }
    if (in.kind != ValueKind::kTensor || in.dtype == DType::kString ||
        in.dtype == DType::kUndefined) {
      return NotSupported("input {} is no tensor of numbers", in.name);
    }
    const std::string source = sources.count(in.name) ? sources[in.name] : "random:1";
    std::vector<int64_t> dims;
    if (!IsFile(source)) {
      BELAY_TRY(dims, ResolveShape(in, shapes));
    }
    BELAY_TRY(Array array, MakeInput(in, source, dims));
    if (!flags.dynamic) options.shapes[in.name] = array.dims;
    inputs.push_back(std::move(array));
  }
  BELAY_RETURN_IF_ERROR(InitializeEngine(flags.threads));
  BELAY_TRY(prepared.runner,
            Runner::Make(flags.model, false, prepared.info.outputs.size(), options));
  BELAY_RETURN_IF_ERROR(prepared.runner->SetInputs(inputs));
  prepared.load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return prepared;
}

int Fail(const Status& status) {
  std::fprintf(stderr, "belay: %s\n", status.message().c_str());
  return 1;
}

}  // namespace belay::tool
