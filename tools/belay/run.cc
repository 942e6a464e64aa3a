// belay run: one inference, its outputs on the screen and as files.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/half.h"
#include "commands.h"
#include "model_flags.h"
#include "trace.h"

namespace belay::tool {
namespace {

double ElementAsDouble(const Array& a, int64_t i) {
  const char* at = a.data.data() + i * (BitWidth(a.dtype) / 8);
  float f;
  double d;
  uint16_t h;
  switch (a.dtype) {
    case DType::kF32: std::memcpy(&f, at, 4); return f;
    case DType::kF64: std::memcpy(&d, at, 8); return d;
    case DType::kF16: std::memcpy(&h, at, 2); return HalfToFloat(h);
    default: std::memcpy(&h, at, 2); return BFloatToFloat(h);
  }
}

// "  min -1.5 max 3.25 mean 0.1"; "" for what is no float.
std::string Summary(const Array& a) {
  if (!IsFloat(a.dtype) || a.Count() == 0) return "";
  double low = INFINITY, high = -INFINITY, sum = 0;
  int64_t nans = 0;
  for (int64_t i = 0; i < a.Count(); ++i) {
    const double v = ElementAsDouble(a, i);
    nans += std::isnan(v);
    low = std::fmin(low, v);
    high = std::fmax(high, v);
    sum += v;
  }
  return fmt::format("  min {:.6g} max {:.6g} mean {:.6g}{}", low, high,
                     sum / static_cast<double>(a.Count()),
                     nans ? fmt::format(", {} NaN", nans) : "");
}

struct RunFlags : ModelFlags {
  std::string output_dir, trace;
};

Status Run(const RunFlags& flags) {
  const std::string& output_dir = flags.output_dir;
  BELAY_TRY(PreparedModel model, Prepare(flags, true));
  if (flags.trace.empty()) {
    BELAY_RETURN_IF_ERROR(model.runner->Launch());
    BELAY_RETURN_IF_ERROR(model.runner->Synchronize());
  } else {
    BELAY_RETURN_IF_ERROR(WriteTrace(1, flags.trace, model.runner.get()));
  }
  BELAY_TRY(std::vector<Array> outputs, model.runner->Outputs());
  if (!output_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(output_dir, error);
    if (error) return InvalidArgument("{}: {}", output_dir, error.message());
  }
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Array& a = outputs[k];
    std::printf("%s  %s  %s  digest %016llx%s\n", model.info.outputs[k].name.c_str(),
                DTypeName(a.dtype), ShapeText(a.dims).c_str(),
                static_cast<unsigned long long>(Digest(a)), Summary(a).c_str());
    if (!output_dir.empty())
      BELAY_RETURN_IF_ERROR(WriteNpy(fmt::format("{}/output_{}.npy", output_dir, k), a));
  }
  model.runner.reset();
  FinalizeEngine();
  return OkStatus();
}

}  // namespace

void AddRun(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("run", "run a model once and print its outputs");
  auto flags = std::make_shared<RunFlags>();
  flags->Add(command);
  command->add_option("--output-dir", flags->output_dir, "write DIR/output_K.npy");
  command->add_option("--trace", flags->trace, "write what the run did, for browsers' trace viewers");
  command->callback([=] {
    Status status = Run(*flags);
    if (!status.ok()) *exit_code = Fail(status);
  });
}

}  // namespace belay::tool
