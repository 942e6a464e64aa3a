// One function per command: declares its flags and, when chosen, does the work and sets *exit_code.
#pragma once
#include <CLI/CLI.hpp>

namespace belay::tool {

void AddRun(CLI::App* app, int* exit_code);
void AddBench(CLI::App* app, int* exit_code);
void AddCheck(CLI::App* app, int* exit_code);
void AddExplain(CLI::App* app, int* exit_code);
void AddView(CLI::App* app, int* exit_code);
void AddCases(CLI::App* app, int* exit_code);
void AddOps(CLI::App* app, int* exit_code);
void AddDoctor(CLI::App* app, int* exit_code);

}  // namespace belay::tool
