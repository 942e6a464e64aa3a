#include "api/graph/port_types.h"

#include "api/graph/type_names.h"

namespace ge {
namespace {

struct NamedSet {
  const char* name;
  TensorType (*make)();
};
const NamedSet kSets[] = {
    {"ALL", TensorType::ALL},
    {"QuantifiedType", TensorType::QuantifiedType},
    {"OrdinaryType", TensorType::OrdinaryType},
    {"BasicType", TensorType::BasicType},
    {"NumberType", TensorType::NumberType},
    {"RealNumberType", TensorType::RealNumberType},
    {"ComplexDataType", TensorType::ComplexDataType},
    {"IntegerDataType", TensorType::IntegerDataType},
    {"SignedDataType", TensorType::SignedDataType},
    {"UnsignedDataType", TensorType::UnsignedDataType},
    {"FloatingDataType", TensorType::FloatingDataType},
    {"IndexNumberType", TensorType::IndexNumberType},
    {"UnaryDataType", TensorType::UnaryDataType},
    {"FLOAT", TensorType::FLOAT},
};

constexpr char kWord[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

}  // namespace

std::vector<DataType> TypesOfText(const std::string& text) {
  std::vector<DataType> types;
  for (size_t at = text.find("DT_"); at != std::string::npos; at = text.find("DT_", at + 1)) {
    const DataType type = DataTypeOfText(text.substr(at, text.find_first_not_of(kWord, at) - at).c_str());
    if (type != DT_UNDEFINED) types.push_back(type);
  }
  const size_t scope = text.find("TensorType::");
  if (!types.empty() || scope == std::string::npos) return types;
  const size_t from = scope + std::string("TensorType::").size();
  const std::string name = text.substr(from, text.find_first_not_of(kWord, from) - from);
  for (const NamedSet& set : kSets) {
    if (name == set.name) return TensorTypeAdapter::Types(set.make());
  }
  return types;
}

}  // namespace ge
