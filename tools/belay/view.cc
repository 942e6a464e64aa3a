// belay view: a model or a dump of a graph as one page for the browser.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "array.h"
#include "commands.h"
#include "measure.h"
#include "model_flags.h"
#include "view_page.h"

namespace belay::tool {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

struct ViewFlags : ModelFlags {
  std::string output;
  int runs = 20;
};

bool IsDump(const fs::path& file) { return file.extension() == ".json"; }

// The newest graph that DUMP_GE_GRAPH left in the folder or below it: names hold numbers that grow.
Result<std::string> NewestDump(const std::string& folder) {
  fs::path newest;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!IsDump(name) || name.compare(0, 9, "ge_belay_") != 0) continue;
    const auto time = entry.last_write_time(error);
    const bool later = newest.empty() || time > fs::last_write_time(newest, error) ||
                       (time == fs::last_write_time(newest, error) && name > newest.filename().string());
    if (later) newest = entry.path();
  }
  if (newest.empty()) return InvalidArgument("{} has no ge_belay_*.json: DUMP_GE_GRAPH=2 leaves them", folder);
  return newest.string();
}

Result<ordered_json> ParseDump(const std::string& file) {
  BELAY_TRY(const std::string text, ReadFile(file));
  ordered_json graph = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool fits = graph.is_object() && graph.contains("model") && graph.contains("variants");
  if (!fits) return InvalidArgument("{} is no graph that DUMP_GE_GRAPH or GeSessionGraphDebugJSONPrint wrote", file);
  return graph;
}

ordered_json RecordJson(const StepRecord& r, double us) {
  return {{"step", r.step}, {"depth", r.depth}, {"name", r.name},   {"kernel", r.about},
          {"us", us},       {"flops", r.flops}, {"bytes", r.bytes}, {"thread", r.thread}};
}

// One run's steps in time, and every step's median.
void AddTimes(const Measured& measured, ordered_json* page) {
  ordered_json steps = ordered_json::array(), timeline = ordered_json::array();
  for (const StepRow& row : measured.rows) steps.push_back(RecordJson(row.record, row.median_s * 1e6));
  for (const StepRecord& r : measured.typical) {
    ordered_json json = RecordJson(r, static_cast<double>(r.end_ns - r.start_ns) * 1e-3);
    json["start_us"] = static_cast<double>(r.start_ns - measured.typical.front().start_ns) * 1e-3;
    timeline.push_back(std::move(json));
  }
  (*page)["steps"] = std::move(steps);
  (*page)["timeline"] = std::move(timeline);
}

Result<ordered_json> PageOfModel(const ViewFlags& flags) {
  BELAY_TRY(PreparedModel model, Prepare(flags, true));
  BELAY_TRY(const Measured measured, MeasureSteps(flags.runs, model.runner.get()));
  BELAY_TRY(const std::string graph, model.runner->DebugJson());
  ordered_json page{{"title", fs::path(flags.model).filename().string()}, {"runs", flags.runs}};
  page["graph"] = ordered_json::parse(graph);
  AddTimes(measured, &page);
  model.runner.reset();
  FinalizeEngine();
  return page;
}

Result<ordered_json> PageOfDump(const std::string& file) {
  BELAY_TRY(ordered_json graph, ParseDump(file));
  const std::string name = graph.value("name", "");
  ordered_json page{{"title", name.empty() ? fs::path(file).filename().string() : name}};
  page["graph"] = std::move(graph);
  return page;
}

std::string ForHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

// What stands between the tags of a script ends with the first "</script": no '<' of the data's is left.
std::string ForScript(const ordered_json& data) {
  const std::string text = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string out;
  for (const char c : text) c == '<' ? out += "\\u003c" : out += c;
  return out;
}

std::string FillIn(const ordered_json& page) {
  const std::string title = ForHtml(page["title"].get<std::string>()), data = ForScript(page);
  std::string_view rest = kViewPage;
  std::string html;
  for (size_t at; (at = rest.find('@')) != std::string_view::npos;) {
    html += rest.substr(0, at);
    rest.remove_prefix(at);
    const bool is_title = rest.starts_with("@TITLE@"), is_data = rest.starts_with("@DATA@");
    html += is_title ? title : is_data ? data : "@";
    rest.remove_prefix(is_title ? 7 : is_data ? 6 : 1);
  }
  html += rest;
  return html;
}

Status View(const ViewFlags& flags) {
  std::string dump = flags.model;
  if (fs::is_directory(flags.model)) {
    BELAY_TRY(dump, NewestDump(flags.model));
  }
  BELAY_TRY(const ordered_json page, IsDump(dump) ? PageOfDump(dump) : PageOfModel(flags));
  std::ofstream out(flags.output, std::ios::binary);
  out << FillIn(page);
  out.close();
  return out ? OkStatus() : InvalidArgument("--output {}: the file cannot be written", flags.output);
}

}  // namespace

void AddView(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("view", "write a page that shows a model before and after compilation");
  auto flags = std::make_shared<ViewFlags>();
  flags->Add(command);
  command->get_option("model")->description("the .onnx file, a ge_belay_*.json of DUMP_GE_GRAPH, or its folder");
  command->add_option("-o,--output", flags->output, "the page")->required();
  command->add_option("--runs", flags->runs, "runs to take times from")->capture_default_str()->check(
      CLI::PositiveNumber);
  command->callback([=] {
    Status status = View(*flags);
    if (!status.ok()) *exit_code = Fail(status);
  });
}

}  // namespace belay::tool
