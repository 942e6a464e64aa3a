// Calls every public function once with null and empty arguments, each in a process of its own, before and after the
// engine is initialised: nothing crashes or hangs, what is marked as refusing refuses and names itself, and what
// succeeds with a null pointer is listed with the reason in succeeds.txt.
#include "api_coverage/call.h"

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "acl/acl.h"
#include "graph/operator_factory.h"

namespace belay_test {
namespace {

struct Outcome {
  bool returned = false;
  long value = 0;
  std::string ended;  // how the process ended, when the call did not return
  std::string text;   // what aclGetRecentErrMsg has afterwards
};

// In the child: never returns.
[[noreturn]] void RunCase(const ApiCase& item, bool initialised, int out) {
  alarm(20);
  if (initialised) {
    (void)ge::GEInitialize(std::map<ge::AscendString, ge::AscendString>());
    (void)aclInit(nullptr);
    (void)aclrtSetDevice(0);
    (void)aclGetRecentErrMsg();
  }
  // By path: sanitizers take dlopen's place and do not know this program's RUNPATH.
  void* library = dlopen((std::string(BELAY_DIST_DIR "/lib64/") + item.library).c_str(), RTLD_NOW);
  void* function = library ? dlsym(library, item.symbol) : nullptr;
  if (!function) _exit(3);
  const long value = item.call(function);
  const char* text = aclGetRecentErrMsg();
  const std::string message(text ? text : "");
  bool written = write(out, &value, sizeof value) == sizeof value;
  written = written && write(out, message.data(), message.size()) == static_cast<ssize_t>(message.size());
  _exit(written ? 0 : 4);
}

Outcome Try(const ApiCase& item, bool initialised) {
  Outcome outcome;
  int ends[2];
  if (pipe(ends) != 0) return outcome;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) RunCase(item, initialised, ends[1]);
  close(ends[1]);
  std::string bytes;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) bytes.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.returned = WIFEXITED(status) && WEXITSTATUS(status) == 0 && bytes.size() >= sizeof outcome.value;
  if (WIFSIGNALED(status)) outcome.ended = strsignal(WTERMSIG(status));
  if (WIFEXITED(status)) outcome.ended = "exit status " + std::to_string(WEXITSTATUS(status));
  if (!outcome.returned) return outcome;
  std::memcpy(&outcome.value, bytes.data(), sizeof outcome.value);
  outcome.text = bytes.substr(sizeof outcome.value);
  return outcome;
}

// Symbols of functions that succeed with a null pointer, each with its reason.
std::map<std::string, std::string> ReadSucceeds() {
  std::map<std::string, std::string> listed;
  std::ifstream in(std::string(BELAY_SOURCE_DIR) + "/tests/api_coverage/succeeds.txt");
  for (std::string line; std::getline(in, line);) {
    const size_t tab = line.find('\t');
    if (line.empty() || line[0] == '#' || tab == std::string::npos) continue;
    listed[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return listed;
}

// "aclmdlLoadFromFile" of "aclError aclmdlLoadFromFile(...)": what a refusal must name.
std::string PlainName(const char* signature) {
  const std::string text(signature);
  const size_t open = text.find('(');
  const size_t start = text.find_last_of(" *&~", open) + 1;
  return text.substr(start, open - start);
}

class Checker {
 public:
  void Check(const ApiCase& item) {
    for (const bool initialised : {false, true}) {
      const Outcome outcome = Try(item, initialised);
      if (!outcome.returned) {
        Fail(item, initialised, "did not return: " + outcome.ended);
        return;
      }
      if (item.refuses) CheckRefusal(item, initialised, outcome);
      if (!item.refuses && outcome.text.find(PlainName(item.name) + " is not supported") != std::string::npos) {
        Fail(item, initialised, "refuses, but is not marked BELAY_REFUSES: " + outcome.text);
      }
      if (initialised && item.returns_status && item.takes_pointer) CheckSuccess(item, outcome);
    }
    ++checked_;
  }
  int Finish() {
    for (const auto& [symbol, reason] : listed_) {
      if (succeeded_.count(symbol)) continue;
      std::printf("succeeds.txt lists %s, which does not succeed or is not there\n", symbol.c_str());
      ++failed_;
    }
    std::printf("%d passed, %d failed\n", checked_ - std::min(checked_, failed_), failed_);
    return failed_ > 0;
  }

 private:
  void Fail(const ApiCase& item, bool initialised, const std::string& what) {
    std::printf("%s (%s, %s): %s\n", item.name, item.symbol, initialised ? "initialised" : "not initialised",
                what.c_str());
    ++failed_;
  }
  void CheckRefusal(const ApiCase& item, bool initialised, const Outcome& outcome) {
    if (item.returns_status && outcome.value == 0) Fail(item, initialised, "is marked as refusing, and succeeds");
    if (outcome.text.find(PlainName(item.name)) == std::string::npos) {
      Fail(item, initialised, "refuses without naming itself: " + outcome.text);
    }
  }
  void CheckSuccess(const ApiCase& item, const Outcome& outcome) {
    if (outcome.value != 0) return;
    succeeded_.insert(item.symbol);
    if (listed_.count(item.symbol)) return;
    Fail(item, true, "succeeds with a null pointer; if that is right, say why in succeeds.txt");
  }

  const std::map<std::string, std::string> listed_ = ReadSucceeds();
  std::set<std::string> succeeded_;
  int checked_ = 0, failed_ = 0;
};

}  // namespace

ge::CompiledGraphSummary* FreshSummary() {
  (void)ge::GEInitialize(std::map<ge::AscendString, ge::AscendString>());
  static ge::Session session(std::map<ge::AscendString, ge::AscendString>{});
  auto x = ge::OperatorFactory::CreateOperator("x", "Data");
  auto y = ge::OperatorFactory::CreateOperator("y", "Relu");
  const ge::TensorDesc desc(ge::Shape(std::vector<int64_t>{4}), ge::FORMAT_ND, ge::DT_FLOAT);
  (void)x.UpdateOutputDesc("y", desc);
  (void)y.SetInput("x", x);
  ge::Graph graph("small");
  graph.SetInputs({x}).SetOutputs(std::vector<ge::Operator>{y});
  if (session.AddGraph(0, graph) != ge::SUCCESS || session.CompileGraph(0) != ge::SUCCESS) _exit(5);
  static const ge::CompiledGraphSummaryPtr summary = session.GetCompiledGraphSummary(0);
  return summary.get();
}

}  // namespace belay_test

int main() {
  using namespace belay_test;
  Checker checker;
  for (size_t i = 0; i < kCaseCount; ++i) checker.Check(kCases[i]);
  for (size_t i = 0; i < kOldAbiCaseCount; ++i) checker.Check(kOldAbiCases[i]);
  return checker.Finish();
}
