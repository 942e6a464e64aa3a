#include "backend/cpu/target.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#endif

namespace belay {
namespace {

constexpr char kX86[] = "x86_64-unknown-linux-gnu";
constexpr char kArm[] = "aarch64-unknown-linux-gnu";

bool HostHas(const std::string& name) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (name == "sse") return true;
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (name == "avx2") {
    unsigned a, b, c, d;
    return avx2 && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
  }
  if (name == "avx2_vnni") {
    unsigned a, b, c, d;
    constexpr unsigned kAvxVnni = 1u << 4;
    return avx2 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvxVnni) != 0;
  }
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (name == "avx512") return avx512;
  bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  if (name == "avx512_vnni") return vnni;
  bool bf16 = vnni && __builtin_cpu_supports("avx512bf16");
  if (name == "avx512_bf16") return bf16;
  if (name == "amx") {
    unsigned a, b, c, d;
    if (!bf16 || !__builtin_cpu_supports("avx512vbmi") || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24, kAmxInt8 = 1u << 25;
    if ((d & kAmxBf16) == 0 || (d & kAmxTile) == 0 || (d & kAmxInt8) == 0) return false;
    constexpr int kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl(ARCH_REQ_XCOMP_PERM)
    static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    return granted;
  }
  return false;
#elif defined(__aarch64__)
  return name == "neon";
#else
  (void)name;
  return false;
#endif
}

std::atomic<int64_t> g_cache_bytes{0};  // instead of the machine's

const TargetRow& Detect() {
  if (const char* forced = std::getenv("BELAY_CPU")) {
    const TargetRow* row = FindTargetRow(forced);
    if (row != nullptr && HostRuns(*row)) return *row;
  }
  const TargetRow* best = nullptr;
  for (const TargetRow& row : TargetRows()) {
    if (HostRuns(row)) best = &row;
  }
  return best ? *best : TargetRows().front();
}

}  // namespace

const std::vector<TargetRow>& TargetRows() {
  constexpr bool y = true, n = false;
  static constexpr char kTiles[] = "-prefer-256-bit,+avx512vbmi,+amx-tile,+amx-bf16,+amx-int8";
  static const std::vector<TargetRow> rows = {
      // name         triple cpu            features        bytes regs fma masks f16 bf16 int8 amx tables x86
      {"neon",        kArm, "generic",        "+neon,+fp-armv8", 16, 32, y, n, y, n, n, n, n, n},
      {"sse",         kX86, "x86-64",         "",                16, 16, n, n, n, n, n, n, n, y},
      {"avx2",        kX86, "haswell",        "",                32, 16, y, n, y, n, n, n, n, y},
      {"avx2_vnni",   kX86, "haswell",        "+avxvnni",        32, 16, y, n, y, n, y, n, n, y},
      {"avx512",      kX86, "skylake-avx512", "-prefer-256-bit", 64, 32, y, y, y, n, n, n, n, y},
      {"avx512_vnni", kX86, "cascadelake",    "-prefer-256-bit", 64, 32, y, y, y, n, y, n, n, y},
      {"avx512_bf16", kX86, "cooperlake",     "-prefer-256-bit", 64, 32, y, y, y, y, y, n, n, y},
      {"amx",         kX86, "cooperlake",     kTiles,            64, 32, y, y, y, y, y, y, y, y},
  };
  return rows;
}

const TargetRow* FindTargetRow(const std::string& name) {
  for (const TargetRow& row : TargetRows()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

bool HostRuns(const TargetRow& row) { return HostHas(row.name); }

int64_t LastLevelCacheBytes() {
  constexpr int64_t kGuess = int64_t{32} << 20;
  static const int64_t bytes = std::max<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE), sysconf(_SC_LEVEL3_CACHE_SIZE));
  const int64_t wanted = g_cache_bytes.load(std::memory_order_relaxed);
  return wanted > 0 ? wanted : bytes > 0 ? bytes : kGuess;
}

void SetLastLevelCacheBytes(int64_t bytes) { g_cache_bytes = bytes; }

const TargetRow& HostTargetRow() {
  static const TargetRow& row = Detect();
  return row;
}

}  // namespace belay
