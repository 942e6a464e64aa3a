// The operators' table: class, cases and the worst error of each, found by running them.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "ops/driver/case_file.h"

namespace belay {

// What may go wrong in an operator's numbers, from the core graphs that its cases become.
enum class NumberClass { kExact, kElementwise, kTranscendental, kReduction, kContraction, kLibrary };
const char* NumberClassName(NumberClass c);

struct OpNumbers {
  NumberClass number_class = NumberClass::kExact;
  bool one_rounding = false;  // a single arithmetic operation: its last bits are its own
  bool is_map = true;         // nothing but maps: every element is by itself
  int cases = 0;
  std::vector<OpCase> samples;  // of f32; they differ in how many attributes they set
};
// From all tests/ops/**/*.cases.
std::map<std::string, OpNumbers> ReadOps(const std::string& folder);

struct Error {
  double ulps = -1;    // the worst; infinite where a NaN or an infinity is one-sided; -1: not measured
  bool by_definition = false;  // against long double; else against the same record in double
  std::string at;      // "x=1.5 y=2: 3, not 4"
  std::string why_not;
};
// f32 on the engine, over random, tiny, huge, denormal, infinite and NaN arguments.
Error MeasureError(const OpNumbers& op);

}  // namespace belay
