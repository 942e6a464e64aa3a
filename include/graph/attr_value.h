#ifndef GRAPH_ATTR_VALUE_H_
#define GRAPH_ATTR_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"

namespace ge {

class AttrValueImpl;

// The value of an attribute. Copies share it.
class AttrValue {
 public:
  using INT = int64_t;
  using FLOAT = float;
  using STR = std::string;

  AttrValue();
  ~AttrValue() = default;

  // GetValue<AttrValue::INT>(v): fails when the value is of another kind.
  template <typename T, typename DT>
  graphStatus GetValue(DT& val) const {
    T value;
    const graphStatus status = GetValue(value);
    if (status == GRAPH_SUCCESS) val = DT(value);
    return status;
  }
  template <typename T, typename DT>
  static T CreateFrom(DT&& val) {
    return val;
  }
  graphStatus GetValue(AscendString& val);

 private:
  friend class AttrAdapter;
  graphStatus GetValue(STR& val) const;
  graphStatus GetValue(INT& val) const;
  graphStatus GetValue(FLOAT& val) const;

  std::shared_ptr<AttrValueImpl> impl;
};

}  // namespace ge

#endif  // GRAPH_ATTR_VALUE_H_
