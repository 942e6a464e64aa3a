// Values of one run that are no tensors: texts. Tensors hold their numbers, as i64, so that kernels move and
// compare them without knowing; all of them go with the run.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace belay {

class RunValues {
 public:
  RunValues();  // allocates nothing until something is added
  ~RunValues();

  // Equal texts have equal numbers; the empty one is 0, which zero-filled tensors hold.
  int64_t AddText(std::string_view text);
  // nullptr: there is no such number. Stays where it is until the run ends.
  const std::string* FindText(int64_t number) const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace belay
