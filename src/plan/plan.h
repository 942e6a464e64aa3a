// Plan: the compiled product as data. Steps in order, the slots they read and write, constants, and every
// size as a formula over the call's symbols. src/execute runs it; nothing in it knows the compiler.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "plan/chain.h"
#include "plan/kernel.h"

namespace belay {

enum class SlotKind : uint8_t {
  kInput,     // the caller's buffer `index`; a step may write it, see Plan::input_uses
  kOutput,    // the caller's buffer `index`
  kConstant,  // constants[index]
  kTemp,      // arena
};

// What steps do with the caller's buffer of an input.
enum InputUse : uint8_t { kInputRead = 1, kInputWritten = 2 };

struct Slot {
  SlotKind kind = SlotKind::kTemp;
  int index = 0;
  TensorType type;
  int first_step = 0, last_step = 0;  // kTemp: alive from its writer to its last reader
};

struct Plan;

enum class StepKind : uint8_t {
  kKernel,
  kCopy,   // inputs[0] to outputs[0]
  kIf,     // inputs {cond, captures...}; branches {then, else}
  kWhile,  // inputs {carried...}; branches {cond, body}
};

struct Step {
  StepKind kind = StepKind::kKernel;
  int kernel = -1;                // in Plan::kernels
  std::vector<int> inputs, outputs;  // slots
  std::optional<TensorType> part;    // what it writes of its output's slot, where that is not all
  std::vector<int> binds;         // symbols it sets (data-dependent extents)
  std::vector<std::shared_ptr<const Plan>> branches;
  std::vector<Shape> initial;     // kWhile: of its inputs, of which slots may hold other views
  bool needs_turn = false;        // kWhile: see kNeedsTurn
  std::vector<int> scopes;        // kWhile: of the guards that its branches rely on, see Graph::scope
  std::string name;               // the user's node
  // For people: what the step computes and why it ends where it does.
  std::vector<std::string> nodes;  // the users' nodes in it, in order
  std::string note;                // why its result is written to memory
  std::string body;                // what the kernel computes, in the text form of core graphs
  Dim flops;                       // of contractions and convolutions: 2 a multiplication and addition
};

struct Constant {
  LiteralPtr literal;                  // null when only the packed form is read
  std::string layout;                  // empty: as it is
  std::shared_ptr<const void> packed;  // in that layout
  int64_t bytes = 0;
  const void* data() const { return packed ? packed.get() : literal->data(); }
};

struct Plan {
  std::vector<TensorType> inputs, outputs;  // as callers see them; in their slots, packed elements and texts are u8
  std::vector<int> output_slots;
  std::vector<std::string> input_names, output_names;
  std::vector<std::string> variables;  // the last inputs: memory of the session, by these names
  std::vector<uint8_t> input_uses;     // InputUse, by input
  // By output: the input whose memory its value lies in until it is copied out, -1 none. A call may pass both in
  // one buffer.
  std::vector<int> outputs_in_inputs;
  std::vector<SymbolInfo> symbols;
  std::vector<Guard> guards;
  // Inputs whose contents are compiled in: a call must bring the same bytes.
  std::vector<std::pair<int, LiteralPtr>> fixed_inputs;
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<Chain> chains;  // in the order of their steps, apart from each other
  std::vector<CompiledKernel> kernels;
  std::vector<Constant> constants;
  // Extents or branches are decided while it runs: sizes are evaluated step by step.
  bool runs_stepwise = false;
  // By output: its extents depend on data, so that the call has to wait for them.
  std::vector<bool> output_waits;

  // Whether it fits a call depends on the contents of inputs.
  bool ReadsContents() const {
    if (!fixed_inputs.empty()) return true;
    return std::any_of(symbols.begin(), symbols.end(), [](const SymbolInfo& s) { return s.element >= 0; });
  }
};

std::string PrintPlan(const Plan& plan);

}  // namespace belay
