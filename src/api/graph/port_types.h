// The types that a program's prototype gives its ports.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "graph/types.h"

namespace ge {

class TensorTypeImpl {
 public:
  std::set<DataType> types;
};

class TensorTypeAdapter {
 public:
  static std::vector<DataType> Types(const TensorType& type) {
    const std::set<DataType>& types = type.tensor_type_impl_->types;
    return std::vector<DataType>(types.begin(), types.end());
  }
};

// What "TensorType({DT_FLOAT, DT_INT32})", "TensorType::ALL()" and their kin stand for; empty when the
// text is something else.
std::vector<DataType> TypesOfText(const std::string& text);

}  // namespace ge
