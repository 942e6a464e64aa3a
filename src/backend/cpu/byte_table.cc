#include "backend/cpu/byte_table.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/interpret.h"

namespace belay {
namespace {

constexpr size_t kFewMaps = 4;  // cost no more than looking up

// Of whole numbers.
struct Range {
  double low, high;
};
std::optional<Range> RangeOf(const Node* node) {
  if (IsMap(node, ScalarOp::kRound)) return Range{-INFINITY, INFINITY};
  for (int side : {0, 1}) {
    const bool low = IsMap(node, ScalarOp::kMax), high = IsMap(node, ScalarOp::kMin);
    if (!low && !high) return std::nullopt;
    const Node* number = ConstBelowViews(node->inputs[side]);
    if (number == nullptr) continue;
    const double bound = LiteralToDoubles(*number->literal)[0];
    std::optional<Range> range = RangeOf(node->inputs[1 - side]);
    if (!range || bound != std::nearbyint(bound)) return std::nullopt;
    if (low) range->low = std::max(range->low, bound);
    if (high) range->high = std::min(range->high, bound);
    return range;
  }
  return std::nullopt;
}

// The maps from `node` down to `from`, inputs before users; false where they read something else.
bool CollectTail(const Node* node, const Node* from, std::vector<const Node*>* tail) {
  if (node == from || ConstBelowViews(node) || std::find(tail->begin(), tail->end(), node) != tail->end()) return true;
  if (node->op != Op::kMap) return false;
  for (const Node* in : node->inputs) {
    if (!CollectTail(in, from, tail)) return false;
  }
  tail->push_back(node);
  return true;
}

Node* CopyNumber(Graph& graph, const Node* number) {
  auto literal = std::make_shared<Literal>(*ConstBelowViews(number)->literal);
  literal->dims = {1};
  Node* copy = graph.Add(Op::kConst, {}, {literal->dtype, {Dim(1)}});
  copy->literal = std::move(literal);
  return copy;
}

// The tail on all numbers that `from` can be.
bool Fill(const Node* root, ByteTable* table) {
  const int64_t count = static_cast<int64_t>(table->bytes.size());
  Graph graph;
  std::map<const Node*, Node*> copies;
  copies[table->from] = graph.AddInput(0, {DType::kF32, {Dim(count)}});
  for (const Node* map : table->maps) {
    std::vector<Node*> inputs;
    for (const Node* in : map->inputs) {
      Node*& copy = copies[in];
      if (copy == nullptr) copy = CopyNumber(graph, in);
      inputs.push_back(copy);
    }
    Node* copy = CopyNode(graph, *map, inputs);
    copy->type.shape = {Dim(count)};
    copies[map] = copy;
  }
  graph.outputs = {copies[root]};
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<double>(table->low + i));
  const auto results = Interpret(graph, {LiteralFromDoubles(DType::kF32, {count}, numbers)});
  if (!results.ok()) return false;
  std::copy_n((*results)[0]->as<uint8_t>(), table->bytes.size(), table->bytes.begin());
  return true;
}

}  // namespace

const Node* ConstBelowViews(const Node* node) {
  while (IsView(node)) node = node->inputs[0];
  return node->op == Op::kConst && NumElements(node->shape()).IsConst(1) ? node : nullptr;
}

std::optional<ByteTable> FindByteTable(const Node* root, const std::vector<const Node*>& maps) {
  if (root->type.dtype != DType::kU8 && root->type.dtype != DType::kI8) return std::nullopt;
  for (const Node* map : maps) {
    ByteTable table;
    const std::optional<Range> range = map->type.dtype == DType::kF32 ? RangeOf(map) : std::nullopt;
    if (!range || !(range->high - range->low <= 255) || !CollectTail(root, map, &table.maps)) continue;
    if (table.maps.size() <= kFewMaps) return std::nullopt;
    table.from = map;
    table.low = static_cast<int64_t>(range->low);
    if (Fill(root, &table)) return table;
  }
  return std::nullopt;
}

}  // namespace belay
