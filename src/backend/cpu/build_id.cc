#include "backend/cpu/build_id.h"

#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace belay {
namespace {

// Among the ELF notes of a segment, or empty.
std::string FindBuildId(const char* at, const char* end) {
  while (static_cast<size_t>(end - at) > sizeof(ElfW(Nhdr))) {
    const auto& note = *reinterpret_cast<const ElfW(Nhdr)*>(at);
    const char* name = at + sizeof note;
    const char* content = name + (note.n_namesz + 3) / 4 * 4;
    const bool gnu = note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID) return std::string(content, note.n_descsz);
    at = content + (note.n_descsz + 3) / 4 * 4;
  }
  return "";
}

}  // namespace

std::string BuildIdOf(const void* address) {
  struct Search {
    uintptr_t address;
    std::string id;
  } search = {reinterpret_cast<uintptr_t>(address), ""};
  auto visit = [](dl_phdr_info* info, size_t, void* data) {
    auto& wanted = *static_cast<Search*>(data);
    const auto* const end = info->dlpi_phdr + info->dlpi_phnum;
    const bool inside = std::any_of(info->dlpi_phdr, end, [&](const ElfW(Phdr)& p) {
      return p.p_type == PT_LOAD && wanted.address - info->dlpi_addr - p.p_vaddr < p.p_memsz;
    });
    if (!inside) return 0;
    for (const auto* p = info->dlpi_phdr; p != end; ++p) {
      if (p->p_type != PT_NOTE) continue;
      const auto* notes = reinterpret_cast<const char*>(info->dlpi_addr + p->p_vaddr);
      wanted.id = FindBuildId(notes, notes + p->p_memsz);
      if (!wanted.id.empty()) break;
    }
    return 1;
  };
  dl_iterate_phdr(visit, &search);
  return search.id;
}

const std::string& EngineBuildId() {
  static const char engine = 0;
  static const auto* const id = new std::string(BuildIdOf(&engine));
  return *id;
}

}  // namespace belay
