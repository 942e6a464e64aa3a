#include "support/sequence.h"

#include "base/sequences.h"
#include "base/texts.h"
#include "graph/element_type.h"

namespace belay {
namespace {

ElementTypePtr TypeOf(std::string_view bytes) {
  PackedSequence packed;
  if (!UnpackSequence(bytes.data(), bytes.size(), &packed)) return nullptr;
  ElementTypePtr type = std::make_shared<ElementType>(ElementType{packed.optional});
  for (const PackedElement& e : packed.elements) {
    const ElementTypePtr inner = e.dtype == DType::kResource ? TypeOf(e.bytes) : nullptr;
    type = JoinElements(type, std::make_shared<ElementType>(
                                  ElementType{packed.optional, e.dtype, static_cast<int>(e.dims.size()), inner}));
  }
  return type;
}

}  // namespace

std::vector<uint8_t> PublicBytes(const Literal& x) {
  if (x.dtype == DType::kString) return PackTexts({x.strings->begin(), x.strings->end()});
  if (x.dtype == DType::kResource) return {x.strings->at(0).begin(), x.strings->at(0).end()};
  return {x.as<uint8_t>(), x.as<uint8_t>() + x.ByteSize()};
}

LiteralPtr SequenceLiteral(const std::vector<LiteralPtr>& elements, bool optional) {
  std::vector<std::vector<uint8_t>> bytes;
  for (const LiteralPtr& e : elements) bytes.push_back(PublicBytes(*e));
  PackedSequence packed;
  packed.optional = optional;
  for (size_t i = 0; i < elements.size(); ++i) {
    const std::string_view view(reinterpret_cast<const char*>(bytes[i].data()), bytes[i].size());
    packed.elements.push_back({elements[i]->dtype, elements[i]->dims, view});
  }
  const std::vector<uint8_t> all = PackSequence(packed);
  auto literal = std::make_shared<Literal>();
  literal->dtype = DType::kResource;
  literal->strings = std::make_shared<std::vector<std::string>>(1, std::string(all.begin(), all.end()));
  return literal;
}

std::vector<int64_t> ElementAttr(const Literal& sequence) { return EncodeElement(TypeOf(sequence.strings->at(0))); }

}  // namespace belay
