// What branches and loops share: the types of values that several ways lead to, and the nodes themselves.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "ops/support.h"

namespace belay {

const ModelGraph& SubgraphOf(const Body& b, const char* name);
// A tensor counts as true when it is not zero; one that is no scalar, when it has elements.
Tensor Truth(const Tensor& t);
std::vector<TensorType> TypesOf(const std::vector<Tensor>& tensors);
std::vector<Node*> NodesOf(const std::vector<Tensor>& tensors);
std::vector<Tensor> WrapAll(Builder& b, const std::vector<Node*>& nodes);
std::vector<Tensor> AddInputs(Builder& b, const std::vector<TensorType>& types);

// Extents that two ways to a result do not share are symbols that the run binds. Made before the ways are lowered.
class Joiner {
 public:
  explicit Joiner(Builder& b) : Joiner(b, static_cast<int>(b.root().symbols.size())) {}
  Joiner(Builder& b, int outer_symbols) : b_(b), outer_symbols_(outer_symbols) {}

  TensorType Join(const TensorType& x, const TensorType& y, const char* what);
  // A result of a subgraph as the graph around it sees it.
  TensorType FromInside(TensorType type);
  Dim Fresh();
  const std::vector<int>& binds() const { return binds_; }
  bool Binds(const Dim& d) const;
  int outer_symbols() const { return outer_symbols_; }
  Graph& root() const { return b_.root(); }

 private:
  bool IsInner(const Dim& d) const;
  Builder& b_;
  const int outer_symbols_;
  std::vector<int> binds_;
};

// The branches have as many outputs; at least one.
std::vector<Tensor> MakeIf(Builder& b, const Tensor& condition, const std::vector<Tensor>& arguments,
                           std::shared_ptr<Graph> yes, std::shared_ptr<Graph> no, Joiner joiner);
// The values after the last turn.
std::vector<Tensor> MakeWhile(Builder& b, const std::vector<Tensor>& initial, const std::vector<TensorType>& types,
                              std::shared_ptr<Graph> condition, std::shared_ptr<Graph> body, std::vector<int> binds);
// The body for types that stay the same from one turn to the next: extents that it changes become symbols.
std::shared_ptr<Graph> LowerUntilStable(
    std::vector<TensorType>* types, Joiner* joiner,
    const std::function<std::shared_ptr<Graph>(const std::vector<TensorType>&)>& lower);
// Copies a lowered subgraph into `to`, its inputs replaced.
std::vector<Tensor> CopyInto(Builder& to, const Graph& from, const std::vector<Tensor>& arguments);

// A tensor of which each turn of a Scan sees one entry along `axis`, from the last to the first when `back`.
struct ScanSequence {
  Tensor x;
  int axis = 0;
  bool back = false;
};
// The subgraph `body` as often as the sequences are long: (states, entries, captures) -> (states, scans). Returns the
// last states and the scans, whose turns lie along a new first dim.
std::vector<Tensor> ScanByLoop(Body& b, const std::vector<Tensor>& states, const std::vector<ScanSequence>& sequences,
                               const std::vector<Tensor>& captures, int scans);

// ONNX's loops keep their form until the types of their values are known: these rules make a While with hidden
// attributes, and these bodies compute it.
void OnnxIf(OnnxNode& n);
void OnnxLoopRule(OnnxNode& n);
void OnnxScan(OnnxNode& n);
void OnnxScan8(OnnxNode& n);
void LoopBody(Body& b);
void ScanBody(Body& b);

}  // namespace belay
