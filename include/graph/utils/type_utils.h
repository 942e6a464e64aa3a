#ifndef GRAPH_UTILS_TYPE_UTILS_H_
#define GRAPH_UTILS_TYPE_UTILS_H_

#include <cstdint>
#include <string>

#include "graph/types.h"

namespace ge {

class TypeUtils {
 public:
  static std::string DataTypeToSerialString(const DataType data_type);
  static DataType SerialStringToDataType(const std::string& str);
  static std::string FormatToSerialString(const Format format);
  static Format SerialStringToFormat(const std::string& str);
  static Format DataFormatToFormat(const std::string& str);
  static bool GetDataTypeLength(const ge::DataType data_type, uint32_t& length);
};

}  // namespace ge

#endif  // GRAPH_UTILS_TYPE_UTILS_H_
