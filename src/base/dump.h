// BELAY_DUMP=dir: what the compiler and the executor made, as text files for people.
#pragma once
#include <string>

namespace belay {

bool Dumping();  // the variable is set
// Writes dir/<name>.<stage>.txt; characters of `name` that do not suit a file name become '_'. Failures are silent.
void DumpText(std::string name, const std::string& stage, const std::string& text);

}  // namespace belay
