#ifndef GRAPH_OPERATOR_FACTORY_H_
#define GRAPH_OPERATOR_FACTORY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/operator.h"

namespace ge {

using OpCreator = std::function<Operator(const std::string&)>;
using OpCreatorV2 = std::function<Operator(const AscendString&)>;
using InferShapeFunc = std::function<graphStatus(Operator&)>;
using InferFormatFunc = std::function<graphStatus(Operator&)>;
using InferValueRangeFunc = std::function<graphStatus(Operator&)>;
using VerifyFunc = std::function<graphStatus(Operator&)>;

enum WHEN_CALL : uint32_t { INPUT_IS_DYNAMIC = 0, INPUT_HAS_VALUE_RANGE = 1 };

// Makes operators by type name: the built-in prototypes, and those the program registered.
class OperatorFactory {
 public:
  static Operator CreateOperator(const std::string& operator_name,
                                 const std::string& operator_type);
  static Operator CreateOperator(const char* const operator_name, const char* const operator_type);
  static graphStatus GetOpsTypeList(std::vector<std::string>& all_ops);
  static graphStatus GetOpsTypeList(std::vector<AscendString>& all_ops);
  static bool IsExistOp(const std::string& operator_type);
  static bool IsExistOp(const char* const operator_type);
};

class OperatorCreatorRegister {
 public:
  OperatorCreatorRegister(const std::string& operator_type, const OpCreator& op_creator);
  OperatorCreatorRegister(const char* const operator_type, const OpCreatorV2& op_creator);
  ~OperatorCreatorRegister() = default;
};

class InferShapeFuncRegister {
 public:
  InferShapeFuncRegister(const std::string& operator_type, const InferShapeFunc& infer_shape_func);
  InferShapeFuncRegister(const char* const operator_type, const InferShapeFunc& infer_shape_func);
  ~InferShapeFuncRegister() = default;
};

class InferFormatFuncRegister {
 public:
  InferFormatFuncRegister(const std::string& operator_type,
                          const InferFormatFunc& infer_format_func);
  InferFormatFuncRegister(const char* const operator_type,
                          const InferFormatFunc& infer_format_func);
  ~InferFormatFuncRegister() = default;
};

class InferValueRangeFuncRegister {
 public:
  InferValueRangeFuncRegister(const char* const operator_type, const WHEN_CALL when_call,
                              const InferValueRangeFunc& infer_value_range_func);
  explicit InferValueRangeFuncRegister(const char* const operator_type);
  ~InferValueRangeFuncRegister() = default;
};

class VerifyFuncRegister {
 public:
  VerifyFuncRegister(const std::string& operator_type, const VerifyFunc& verify_func);
  VerifyFuncRegister(const char* const operator_type, const VerifyFunc& verify_func);
  ~VerifyFuncRegister() = default;
};

}  // namespace ge

#endif  // GRAPH_OPERATOR_FACTORY_H_
