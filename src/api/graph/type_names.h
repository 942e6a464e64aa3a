// Names of types and formats in serialised graphs.
#pragma once
#include "graph/types.h"

namespace ge {

const char* DataTypeText(DataType type);  // "DT_FLOAT"; nullptr when not known
DataType DataTypeOfText(const char* text);  // DT_UNDEFINED when not known
const char* FormatText(Format format);  // "NCHW"; nullptr when not known
Format FormatOfText(const char* text);  // FORMAT_RESERVED when not known

}  // namespace ge
