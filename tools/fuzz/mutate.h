// Changes serialised protobuf messages: mostly field by field, so that what comes out is read deeply, sometimes by
// byte.
#pragma once
#include <random>
#include <string>
#include <vector>

namespace belay::fuzz {

using Random = std::mt19937_64;

// `other` gives parts to `bytes`.
std::string Mutate(const std::string& bytes, const std::string& other, Random* random);

}  // namespace belay::fuzz
