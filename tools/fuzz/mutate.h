// Changes serialised protobuf messages: mostly field by field, so that what comes out is read deeply, sometimes by
// byte.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace belay::fuzz {

using Random = std::mt19937_64;

// `other` gives parts to `bytes`.
std::string Mutate(const std::string& bytes, const std::string& other, Random* random);

// A message as a tree.
struct Field {
  uint32_t number = 0, wire = 0;  // wire types 0, 1, 2 and 5
  uint64_t value = 0;             // 0, 1, 5
  std::string bytes;              // 2, where it is no message
  std::vector<Field> fields;      // 2, where it is one
  bool is_message = false;
};
bool Parse(const std::string& bytes, std::vector<Field>* fields);
std::string Serialised(const std::vector<Field>& fields);
// One change somewhere, of any kind.
void ChangeTree(std::vector<Field>* tree, std::vector<Field>* donor, Random* random);

size_t Below(size_t n, Random* random);  // 0 of 0
uint64_t Number(Random* random);         // hard ones among them

}  // namespace belay::fuzz
