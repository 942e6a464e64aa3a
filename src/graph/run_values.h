// Values of one run that are no tensors: texts, sequences and optionals. Tensors hold their numbers, as i64, so that
// kernels move and compare them without knowing; all of them go with the run.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graph/literal.h"

namespace belay {

// An optional has one element or none. Elements are shared and never change; texts, sequences and optionals among them
// are their numbers.
struct RunSequence {
  struct Element {
    DType dtype = DType::kUndefined;
    LiteralPtr value;  // in the dtype's storage, see base/narrow.h
  };
  bool optional = false;
  std::vector<Element> elements;
};

class RunValues {
 public:
  RunValues();  // allocates nothing until something is added
  ~RunValues();

  // Equal texts have equal numbers; the empty one is 0, which zero-filled tensors hold.
  int64_t AddText(std::string_view text);
  // nullptr: there is no such number. Stays where it is until the run ends.
  const std::string* FindText(int64_t number) const;

  // Every sequence has a number of its own; 0 is an empty one.
  int64_t AddSequence(RunSequence sequence);
  const RunSequence* FindSequence(int64_t number) const;

 private:
  struct Tables;
  Tables& Made();
  std::unique_ptr<Tables> tables_;
};

}  // namespace belay
