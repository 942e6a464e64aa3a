// Names of CANN's types and formats by number, as serialised graphs write them; nullptr where there is none.
#pragma once
#include <cstddef>

namespace belay {

const char* GeDTypeName(size_t number);   // "DT_FLOAT"
const char* GeFormatName(size_t number);  // "NCHW": the enumerator's name

}  // namespace belay
