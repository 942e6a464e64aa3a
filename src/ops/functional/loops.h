// What loops of ONNX share between control_flow.cc and scan.cc.
#pragma once
#include <vector>

#include "ops/support.h"

namespace belay {

const ModelGraph& SubgraphOf(const Body& b, const char* name);

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

void ScanBody(Body& b);  // of a While that OnnxScan or OnnxScan8 made
void OnnxScan(OnnxNode& n);
void OnnxScan8(OnnxNode& n);

}  // namespace belay
