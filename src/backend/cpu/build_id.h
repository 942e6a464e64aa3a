// Which build a library is of, so that what one build has made is not taken for another's.
#pragma once
#include <string>

namespace belay {

// The build ID of the library or program that `address` lies in, or empty.
std::string BuildIdOf(const void* address);
const std::string& EngineBuildId();

}  // namespace belay
