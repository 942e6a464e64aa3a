// The rows of machines that kernels are generated for; the host is detected at run time.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace belay {

struct TargetRow {
  const char* name;      // BELAY_CPU=name forces it
  const char* triple;
  const char* cpu;       // LLVM's names
  const char* features;
  int vector_bytes;      // of one register
  int vector_registers;
  bool fma;              // a fused multiply-add instruction exists
  bool masks;            // masked loads and stores of every element width
  bool f16;              // hardware conversions between f16 and f32
  bool bf16_dot;         // vdpbf16ps
  bool int8_dot;         // vpdpbusd
  bool amx;              // tile registers, bf16 and int8
  bool byte_tables;      // vpermi2b
  bool x86;
};

// All rows, least able first.
const std::vector<TargetRow>& TargetRows();
// nullptr when there is no such row.
const TargetRow* FindTargetRow(const std::string& name);
// True when this process may run the row's code.
bool HostRuns(const TargetRow& row);
// The ablest row that the host runs, or the one BELAY_CPU names (ignored when unknown or not runnable).
const TargetRow& HostTargetRow();
// Of this machine; a guess where the system does not tell.
int64_t LastLevelCacheBytes();
// For tests, before kernels are made; 0 is the machine's own again.
void SetLastLevelCacheBytes(int64_t bytes);

}  // namespace belay
