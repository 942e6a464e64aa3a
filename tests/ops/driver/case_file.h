// Reads tests/ops/**/*.cases: tables of what an operator must compute.
//
// A file holds blocks; `op:` starts one. Lines of a block multiply: every op with every dtype, every
// shape and every value of every other line is one case. Values are separated by blanks; '#' starts
// a comment.
//
//   op:        Add Sub Mul           GE operators of the block
//   dtype:     f32 f16 f32/i32       of the data inputs in prototype order; one dtype means all
//   shape:     7x33  2x3/3  s/4      of the data inputs in prototype order; `s` is rank 0
//              -/4  2x3+2x4          `-` leaves the input out, '+' joins the instances of a dynamic
//                                    one; one shape means all required inputs
//   NAME:      0  -1  [0,1]  -       an attribute (lists in brackets, strings in quotes or bare)
//   attr NAME: 0                     one whose name is a word of this table
//   NAME:      3  [0,1]  f32:[0.5]   an input that is a constant, i64 unless a dtype stands before
//                                    `-` leaves either out
//   range:     LO HI                 bounds of random inputs: floats -2 2, integers -5 5 (unsigned
//   range NAME: LO HI                0 10)
//   outputs:   NAME=3                instances of a dynamic output
//   fixed:     filter                inputs whose extents are known even where the others' are not
//   reads:     2                     only so many outputs are asked for
//   extents:   static                only with extents known at compile time, not also with unknown
//   tolerance: 8 1e-5                ulps, and a share of the largest magnitude; say why beside it
//   golden:    x=[0,2] axis=0 -> [1,2] ; [3]       inputs (f32 unless f16:[..], str:["a"]) and outputs
//              x=res:[f32:[1],f32:[2,3]]    a sequence; res:?[..] is an optional
//   golden:    var=[1] value=[2] -> [3] ; var=[3]  and what an input's memory holds after the run
//   error:     x=f32[2,3] axis=7 -> invalid argument: axis is 7     the message contains the text
//
// In golden and error lines an integer input other than the first is a constant of the graph;
// `const` before the name (const w=[1,2]) makes any input one, `data` (data n=i32:[3]) none.
// *_golden.cases are written by goldens/make.py.
// Each case runs through the whole pipeline on the CPU backend and on the interpreter; they must
// agree, also on what is left in the inputs' memory. Golden lines are also judged against the
// numbers given, since the interpreter follows the same record; where these say -0.0, 0 is wrong.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "graph/literal.h"
#include "graph/model.h"

namespace belay {

struct InputCase {
  std::string name;  // prototype port
  bool is_const = false;
  bool fixed = false;  // its extents are always known
  LiteralPtr value;    // contents of data, too
};

struct OpCase {
  std::string op;
  int line = 0;
  std::string text;               // as a golden line would have it, for messages
  std::vector<InputCase> inputs;  // instances of dynamic inputs are neighbours
  AttrMap attrs;
  std::map<std::string, int> outputs;  // instances of dynamic outputs
  int reads = -1;                      // outputs asked for; -1: all
  bool static_only = false;
  double ulps = -1, relative = -1;  // -1: follows from the graph
  std::vector<LiteralPtr> golden;   // nullptr: any
  std::map<std::string, LiteralPtr> golden_after;  // by input: its memory's contents in the end
  std::string error;                // expected in the message
};

struct CaseFile {
  std::vector<OpCase> cases;
  std::vector<std::string> problems;  // lines that cannot be read
};
CaseFile ReadCaseFile(const std::string& path);

// How the words of a line become inputs and attributes.
struct Words {
  bool by_type = false;     // f32[2,3] is a random tensor
  double lo = 0, hi = 1;    // of its elements, unless @LO..HI follows
  std::map<std::string, LiteralPtr> known;  // what $NAME means; shape($NAME) are its extents, i64
};
// "x=[0,2] axis=0": adds to the case of c->op.
Status ReadWords(const std::string& text, const Words& words, OpCase* c);

}  // namespace belay
