// The numbers of a model, taken out of a kernel's code: kernels that differ in nothing else are compiled once. Only
// build_*.cc includes this.
#pragma once
#include <llvm/IR/Module.h>

#include <string>

#include "backend/cpu/target.h"
#include "base/status.h"

namespace belay {

// Makes loads of the numbers, where functions begin, from a table named `name`, which is zeros; returns what belongs
// there.
std::string TakeOutNumbers(llvm::Module& module, const TargetRow& row, const std::string& name);
// Brings numbers to where they are used, as far as that makes code better.
void PlaceNumbers(llvm::Module& module, const std::string& name);
// Fills the table of an object.
Status WriteNumbers(const std::string& numbers, std::string* object);

}  // namespace belay
