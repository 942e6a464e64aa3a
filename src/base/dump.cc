#include "base/dump.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace belay {
namespace {

const char* Folder() {
  const char* folder = std::getenv("BELAY_DUMP");
  return folder && *folder ? folder : nullptr;
}

}  // namespace

bool Dumping() { return Folder() != nullptr; }

void DumpText(std::string name, const std::string& stage, const std::string& text) {
  const char* folder = Folder();
  if (!folder) return;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  std::ofstream(std::filesystem::path(folder) / (name + "." + stage + ".txt")) << text << "\n";
}

}  // namespace belay
