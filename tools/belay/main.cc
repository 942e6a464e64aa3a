// belay: runs, checks, measures and shows ONNX models, runs conformance cases, lists operators, looks at the machine.
#include "commands.h"

int main(int argc, char** argv) {
  CLI::App app("Belay: ONNX models through CANN's interface, on CPUs");
  app.require_subcommand(1);
  int exit_code = 0;
  belay::tool::AddRun(&app, &exit_code);
  belay::tool::AddBench(&app, &exit_code);
  belay::tool::AddCheck(&app, &exit_code);
  belay::tool::AddExplain(&app, &exit_code);
  belay::tool::AddView(&app, &exit_code);
  belay::tool::AddCases(&app, &exit_code);
  belay::tool::AddOps(&app, &exit_code);
  belay::tool::AddDoctor(&app, &exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
