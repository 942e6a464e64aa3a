#include "mutate_graph.h"

#include <cstring>

namespace belay::fuzz {
namespace {

using Fields = std::vector<Field>;

// Numbers of fields in onnx.proto.
constexpr uint32_t kGraph = 7;                                                     // of ModelProto
constexpr uint32_t kNode = 1, kInitializer = 5, kInput = 11;                       // of GraphProto
constexpr uint32_t kNodeInput = 1, kOpType = 4, kAttribute = 5;                    // of NodeProto
constexpr uint32_t kName = 1, kType = 2;                                           // of ValueInfoProto
constexpr uint32_t kTensorType = 1, kElementType = 1, kShape = 2, kDim = 1, kDimValue = 1;
constexpr uint32_t kTensorDims = 1, kTensorDataType = 2, kTensorName = 8, kTensorBytes = 9;

std::vector<Field*> All(Fields* fields, uint32_t number) {
  std::vector<Field*> found;
  for (Field& f : *fields) {
    if (f.number == number) found.push_back(&f);
  }
  return found;
}

Field* One(Fields* fields, uint32_t number, Random* random) {
  const std::vector<Field*> all = All(fields, number);
  return all.empty() ? nullptr : all[Below(all.size(), random)];
}

Field* First(Field* message, uint32_t number) {
  if (!message) return nullptr;
  const std::vector<Field*> all = All(&message->fields, number);
  return all.empty() ? nullptr : all[0];
}

Field Text(uint32_t number, const std::string& bytes) {
  Field f;
  f.number = number;
  f.wire = 2;
  f.bytes = bytes;
  return f;
}

Field Integer(uint32_t number, uint64_t value) {
  Field f;
  f.number = number;
  f.value = value;
  return f;
}

std::string BytesOf(const Field* f) { return f->is_message ? Serialised(f->fields) : f->bytes; }

uint64_t Small(Random* random) { return Below(8, random) ? Below(6, random) : Number(random); }

Field* TensorTypeOf(Field* input) { return First(First(input, kType), kTensorType); }

void ChangeExtent(Fields* graph, Random* random) {
  Field* shape = First(TensorTypeOf(One(graph, kInput, random)), kShape);
  if (!shape) return;
  shape->is_message = true;
  Field* dim = One(&shape->fields, kDim, random);
  if (!dim || Below(8, random) == 0) {
    Field made = Text(kDim, "");
    made.is_message = true;
    made.fields = {Integer(kDimValue, Below(6, random))};
    shape->fields.push_back(made);
  } else {
    dim->is_message = true;
    dim->fields.clear();
    if (Below(4, random)) dim->fields = {Integer(kDimValue, Below(9, random))};
  }
}

void ChangeElementType(Fields* graph, Random* random) {
  Field* tensor = TensorTypeOf(One(graph, kInput, random));
  Field* type = First(tensor, kElementType);
  if (type) type->value = 1 + Below(24, random);
}

void ChangeOperator(Fields* graph, Fields* donor, Random* random) {
  Field* node = One(graph, kNode, random);
  Field* other = One(donor, kNode, random);
  Field *op = First(node, kOpType), *name = First(other, kOpType);
  if (!op || !name) return;
  const std::string bytes = BytesOf(name);
  *op = Text(kOpType, bytes);
  if (Below(2, random)) return;
  std::erase_if(node->fields, [](const Field& f) { return f.number == kAttribute; });
  for (const Field* attribute : All(&other->fields, kAttribute)) node->fields.push_back(*attribute);
}

// A number of an attribute: AttributeProto's f, i, floats or ints, packed or not.
void ChangeAttribute(Fields* graph, Random* random) {
  Field* node = One(graph, kNode, random);
  Field* attribute = node ? One(&node->fields, kAttribute, random) : nullptr;
  if (!attribute) return;
  if (Below(6, random) == 0) {
    const std::string gone = BytesOf(attribute);
    std::erase_if(node->fields, [&](const Field& f) { return f.number == kAttribute && BytesOf(&f) == gone; });
    return;
  }
  std::vector<Field*> numbers;
  for (Field& f : attribute->fields) {
    if (f.number == 2 || f.number == 3 || f.number == 7 || f.number == 8) numbers.push_back(&f);
  }
  if (numbers.empty()) return ChangeTree(&attribute->fields, &attribute->fields, random);
  Field* f = numbers[Below(numbers.size(), random)];
  if (f->wire != 2) {
    f->value = f->wire == 0 ? Small(random) : (*random)();
    return;
  }
  std::string packed = BytesOf(f);  // of one-byte numbers, mostly
  if (!packed.empty()) packed[Below(packed.size(), random)] = static_cast<char>(Below(6, random));
  *f = Text(f->number, packed);
}

void ChangeInputs(Fields* graph, Random* random) {
  Field* node = One(graph, kNode, random);
  Field* one = node ? One(&node->fields, kNodeInput, random) : nullptr;
  if (!one) return;
  switch (Below(3, random)) {
    case 0: *one = Text(kNodeInput, ""); break;
    case 1: *one = *One(&node->fields, kNodeInput, random); break;
    default: node->fields.push_back(Field(*one));
  }
}

// A graph's input becomes an initializer, mostly of small numbers.
void MakeConstant(Fields* graph, Random* random) {
  Field* input = One(graph, kInput, random);
  Field *name = First(input, kName), *tensor = TensorTypeOf(input), *type = First(tensor, kElementType);
  Field* shape = First(tensor, kShape);
  if (!name || !type || !shape) return;
  static constexpr size_t kBytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};  // of TensorProto's types
  const size_t each = type->value < std::size(kBytes) ? kBytes[type->value] : 1;
  const bool is_float = type->value == 1 || type->value == 11;
  Field made = Text(kInitializer, "");
  made.is_message = true;
  size_t count = 1;
  for (Field* dim : All(&shape->fields, kDim)) {
    const Field* extent = First(dim, kDimValue);
    const size_t n = extent ? extent->value : 2;
    made.fields.push_back(Integer(kTensorDims, n));
    count *= n > 64 ? 0 : n;
  }
  if (count > 512) return;
  std::string bytes(count * each, '\0');
  for (size_t i = 0; i < count && each; ++i) {
    if (is_float) {
      const float f = static_cast<float>(Below(9, random)) - 4;
      const double d = f;
      std::memcpy(&bytes[i * each], each == 4 ? static_cast<const void*>(&f) : &d, each);
    } else {
      const uint64_t n = Small(random);
      std::memcpy(&bytes[i * each], &n, each < 8 ? each : 8);
    }
  }
  made.fields.push_back(Integer(kTensorDataType, type->value));
  made.fields.push_back(Text(kTensorName, BytesOf(name)));
  made.fields.push_back(Text(kTensorBytes, bytes));
  graph->push_back(made);
}

void AddNode(Fields* graph, Fields* donor, Random* random) {
  const Field* node = One(Below(2, random) ? donor : graph, kNode, random);
  if (!node) return;
  const Field copy = *node;
  graph->insert(graph->begin() + static_cast<long>(Below(graph->size() + 1, random)), copy);
}

}  // namespace

std::string MutateGraph(const std::string& model, const std::string& other, Random* random) {
  Fields tree, donor;
  if (!Parse(model, &tree)) return Mutate(model, other, random);
  if (!Parse(other, &donor)) donor.clear();
  Field *graph = One(&tree, kGraph, random), *from = One(&donor, kGraph, random);
  if (!graph || graph->fields.empty()) return Mutate(model, other, random);
  Fields none, *parts = from ? &from->fields : &none;
  const int changes = 1 + static_cast<int>(Below(4, random));
  for (int i = 0; i < changes; ++i) {
    switch (Below(9, random)) {
      case 0: case 1: ChangeExtent(&graph->fields, random); break;
      case 2: ChangeElementType(&graph->fields, random); break;
      case 3: ChangeOperator(&graph->fields, parts, random); break;
      case 4: case 5: ChangeAttribute(&graph->fields, random); break;
      case 6: ChangeInputs(&graph->fields, random); break;
      case 7: MakeConstant(&graph->fields, random); break;
      default:
        if (Below(3, random)) AddNode(&graph->fields, parts, random);
        else ChangeTree(&graph->fields, parts, random);
    }
  }
  return Serialised(tree);
}

}  // namespace belay::fuzz
