// Reads tests/ops/**/*.gradients: which operator is the derivative of which. One test per file.
//
//   forward:  Relu x=f64[2,3]                        inputs and attributes as in golden lines; f64[2,3] is
//                                                    random in [-2, 2], f64[2,3]@0.5..3 in [0.5, 3]
//   forward:  Attention q=f64[2,4] ... -> out        the output that counts, if it is not the first
//   gradient: ReluGrad gradients=$dy features=$x -> x
//
// In a gradient line $NAME is an input of the forward line, or else an output; $dy is the gradient that
// comes from above, random; shape($NAME) are extents, i64. Behind the arrow stand the inputs whose
// gradients the outputs are, in order; `-` is an output that is not judged. A forward line serves all
// gradient lines below it.
//
// The derivative of sum(dy * y) by each element of these inputs is measured by central differences on
// the interpreter, in f64, and compared with the gradient from the interpreter and from the engine.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "graph/interpret.h"
#include "graph/prototype.h"
#include "ops/driver/model.h"
#include "ops/driver/value.h"

namespace belay {
namespace {

constexpr double kStep = 1e-4;
// Differences of the fourth order are good to kStep^4 and to 2^-52 / kStep of what they are taken of.
constexpr double kTolerance = 1e-8;

struct Forward {
  OpCase c;
  std::map<std::string, LiteralPtr> known;  // inputs, outputs, dy
  std::shared_ptr<const Graph> graph;
  Literals inputs;                          // of the graph
  std::vector<std::string> input_names;
  size_t output = 0;
};

Result<Forward> ReadForward(const std::string& text) {
  Forward f;
  const size_t arrow = text.find("->"), space = text.find(' ');
  f.c.op = text.substr(0, space);
  f.c.text = text;
  BELAY_RETURN_IF_ERROR(ReadWords(text.substr(space, arrow - space), {true, -2, 2, {}}, &f.c));
  if (arrow != std::string::npos) {
    const int port = FindOutput(*FindPrototype(f.c.op), Trim(text.substr(arrow + 2)));
    if (port < 0) return NotFound("{} has no such output", f.c.op);
    f.output = static_cast<size_t>(port);
  }
  const BuiltModel built = Build(f.c, true);
  f.inputs = built.inputs;
  BELAY_TRY(Literals outputs, RunOnReference(*built.model, built.inputs, &f.graph));
  for (size_t i = 0; i < outputs.size(); ++i) {
    f.known[FindPrototype(f.c.op)->outputs[i].name] = outputs[i];
  }
  for (const InputCase& in : f.c.inputs) {
    f.known[in.name] = in.value;
    if (!in.is_const) f.input_names.push_back(in.name);
  }
  const Literal& y = *outputs.at(f.output);
  f.known["dy"] = RandomLiteral(y.dtype, y.dims, -1, 1, 7);
  return f;
}

// sum(dy * y) with one element of one input moved.
Result<double> Moved(const Forward& f, size_t input, int64_t element, double by) {
  Literals inputs = f.inputs;
  std::vector<double> values = LiteralToDoubles(*inputs[input]);
  values[static_cast<size_t>(element)] += by;
  inputs[input] = LiteralFromDoubles(inputs[input]->dtype, inputs[input]->dims, values);
  BELAY_TRY(Literals outputs, Interpret(*f.graph, inputs));
  const std::vector<double> y = LiteralToDoubles(*outputs.at(f.output)),
                            dy = LiteralToDoubles(*f.known.at("dy"));
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
  return sum;
}

Result<LiteralPtr> Measured(const Forward& f, size_t input) {
  std::vector<double> slopes;
  for (int64_t e = 0; e < f.inputs[input]->NumElements(); ++e) {
    double sum = 0;
    for (auto [steps, weight] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
      BELAY_TRY(double value, Moved(f, input, e, steps * kStep));
      sum += weight * value;
    }
    slopes.push_back(sum / (12 * kStep));
  }
  return LiteralFromDoubles(DType::kF64, f.inputs[input]->dims, slopes);
}

std::string CompareAll(const Literals& got, const std::vector<LiteralPtr>& want, const char* who) {
  for (size_t i = 0; i < want.size(); ++i) {
    if (!want[i]) continue;
    const std::string wrong = Compare(*got.at(i), *want[i], {0, kTolerance, kTolerance});
    if (!wrong.empty()) return fmt::format("{}: output {} {}", who, i, wrong);
  }
  return "";
}

Status CheckGradient(const Forward& f, const std::string& text) {
  const size_t arrow = text.find("->"), space = text.find(' ');
  if (arrow == std::string::npos) return InvalidArgument("the line has no '->'");
  OpCase c;
  c.op = text.substr(0, space);
  BELAY_RETURN_IF_ERROR(ReadWords(text.substr(space, arrow - space), {true, -2, 2, f.known}, &c));
  std::vector<LiteralPtr> want;
  for (const std::string& name : SplitWords(text.substr(arrow + 2))) {
    LiteralPtr measured;
    if (name != "-") {
      const auto at = std::find(f.input_names.begin(), f.input_names.end(), name);
      if (at == f.input_names.end()) return NotFound("'{}' is no input of {}", name, f.c.op);
      BELAY_TRY(measured, Measured(f, static_cast<size_t>(at - f.input_names.begin())));
    }
    want.push_back(measured);
  }
  const BuiltModel built = Build(c, true);
  BELAY_TRY(Literals reference, RunOnReference(*built.model, built.inputs));
  std::string wrong = CompareAll(reference, want, "interpreter");
  if (wrong.empty()) {
    BELAY_TRY(Literals engine, RunOnEngine(built.model, built.inputs));
    wrong = CompareAll(engine, want, "engine");
  }
  return wrong.empty() ? OkStatus() : Internal("{}", wrong);
}

class GradientsTest : public testing::Test {
 public:
  explicit GradientsTest(std::string path) : path_(std::move(path)) {}
  void TestBody() override {
    std::ifstream in(path_);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      line = Trim(line.substr(0, line.find('#')));
      if (line.empty()) continue;
      Status status = Line(line);
      EXPECT_TRUE(status.ok()) << path_ << ":" << number << ": " << status.message();
    }
    EXPECT_GT(passed_ + failed_, 0) << path_ << " has no gradients";
    RecordProperty("passed", passed_);
    RecordProperty("failed", failed_);
  }

 private:
  Status Line(const std::string& line) {
    if (line.starts_with("forward:")) {
      forward_.reset();
      BELAY_TRY(forward_, ReadForward(Trim(line.substr(8))));
      return OkStatus();
    }
    if (!line.starts_with("gradient:")) return InvalidArgument("a line is forward: or gradient:");
    Status status = forward_ ? CheckGradient(*forward_, Trim(line.substr(9)))
                             : InvalidArgument("there is no forward line above");
    ++(status.ok() ? passed_ : failed_);
    return status;
  }

  const std::string path_;
  std::optional<Forward> forward_;
  int passed_ = 0, failed_ = 0;
};

}  // namespace

void RegisterGradients(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".gradients") continue;
    const std::string path = entry.path().string();
    const std::string category = entry.path().parent_path().filename().string();
    testing::RegisterTest(category.c_str(), entry.path().stem().c_str(), nullptr, nullptr,
                          path.c_str(), 1,
                          [path]() -> testing::Test* { return new GradientsTest(path); });
  }
}

}  // namespace belay

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  belay::RegisterGradients(BELAY_SOURCE_DIR "/tests/ops");
  return RUN_ALL_TESTS();
}
