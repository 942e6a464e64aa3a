// What follows the sums of a matrix kernel: elementwise maps on one row of accumulators at a time, then
// the store. Also the strided operands that maps and sums read.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backend/cpu/build_jit.h"
#include "backend/cpu/build_math.h"
#include "backend/cpu/byte_table.h"
#include "graph/graph.h"

namespace belay {

// Element (i_0, i_1, ...) is input[offset + sum i_k * strides[k]], cast from `dtype` to the reader's.
struct MatrixOperand {
  int input = -1;
  DType dtype = DType::kUndefined;
  Dim offset;
  std::vector<Dim> strides;
};
// Views and at most one cast over an input; empty when it is something else.
std::optional<MatrixOperand> ResolveOperand(const Node* node);

// The stride of dims [from, to) as one dim: dims of extent 1 do not count, the others must be evenly spaced.
std::optional<Dim> MergedStride(const Shape& shape, const std::vector<Dim>& strides, int from, int to);

// The anchor's dims as [outer..., rows, columns]: its last dim is the columns, the dims before it are
// merged into rows as far as every operand allows.
struct FoldedDims {
  int outer = 0;  // how many leading dims stay apart
  std::vector<Dim> extents;  // outer..., rows, columns
};

class Epilogue {
 public:
  // Empty text when the fragment's maps fit, else the reason.
  static std::string Check(const Graph& fragment, const Node* anchor);
  Epilogue(const KernelSpec& spec, const Node* anchor);

  // Looks bytes up instead of computing them, where the row has instructions for that and no operand can be NaN, which
  // a table does not tell from its lowest number. Constants are taken for numbers.
  void UseTable(const KernelSpec& spec, const TargetRow& row);

  // Leading dims that must stay apart because the rows of some operand or of the result are not evenly strided over
  // them.
  int UnmergedDims() const;
  void Fold(const FoldedDims& dims);
  // For a last dim of one element: the dim before it becomes the columns of one row, the others are outer.
  void FoldSingleColumn();
  // Splits the columns into `groups` equal parts, a new first dim.
  void SplitColumns(int64_t groups);

  // Lets sums of i32 begin at what a map adds to each column, or takes from it; false where none does so with nothing
  // but the sums. Behind Fold.
  bool UseStarts();
  // Where each column's sums begin then.
  std::vector<llvm::Value*> Starts(KernelFrame& f, const std::vector<llvm::Value*>& columns,
                                   const std::vector<llvm::Value*>& masks, int lanes);

  // Addresses of one block: `coords` of the outer dims.
  void BeginBlock(KernelFrame& f, const std::vector<llvm::Value*>& coords);
  // Vector v of a row covers columns [columns[v], columns[v]+lanes), those behind the vector before it. masks[v] may be
  // nullptr: all lanes.
  struct Row {
    llvm::Value* row;
    std::vector<llvm::Value*> columns, masks, accumulators;
  };
  void EmitRow(KernelFrame& f, const Row& row, int lanes) { EmitRows(f, {row}, lanes); }
  // Rows whose computation is to overlap.
  void EmitRows(KernelFrame& f, const std::vector<Row>& rows, int lanes);
  // Fetches what a later row reads beside its sums, `lanes` from each of these columns on, which follow each other.
  void PrefetchRow(KernelFrame& f, llvm::Value* row, const std::vector<llvm::Value*>& columns, int lanes);
  std::string Describe() const;
  // Estimated ns of one element on one core.
  double Cost() const;

 private:
  struct Leaf {
    const Node* node;
    MatrixOperand operand;
    llvm::Value* base = nullptr;
  };
  struct Result {
    llvm::Value *value, *address, *mask;
    bool follows;  // the result before it, in memory
  };
  using Values = std::map<const Node*, llvm::Value*>;
  void Collect(const Node* node);
  Leaf* FindLeaf(const Node* node);  // nullptr: it is none
  llvm::Value* LeafValue(KernelFrame& f, Leaf& leaf, llvm::Value* row, llvm::Value* column, llvm::Value* mask,
                         int lanes);
  // The node that EmitResults gives values of: the root, what the root rounds to bf16 or bytes, or what is looked up.
  const Node* Last() const;
  // A product of f32 that only this sum reads: both are rounded once. Not behind integer sums, whose numbers are exact.
  const Node* FusedProduct(const Node* sum) const;
  llvm::Value* EmitMap(EmitContext& e, const Node* map, const std::function<llvm::Value*(const Node*)>& value_of);
  void EmitResults(KernelFrame& f, const Row& row, int lanes, std::vector<Result>* results);
  void Store(KernelFrame& f, const Result& result, llvm::Value* bits);
  void StoreRounded(KernelFrame& f, const std::vector<Result>& results);
  void StoreBytes(KernelFrame& f, llvm::ArrayRef<Result> results);
  llvm::Value* Bytes(KernelFrame& f, llvm::ArrayRef<Result> group);
  llvm::Value* Address(KernelFrame& f, const Leaf& leaf, llvm::Value* row, llvm::Value* column);

  const Node* anchor_;
  const Node* sums_;  // what a row's accumulators are: the anchor, or the map of UseStarts
  const Node* root_;
  std::vector<const Node*> maps_;  // that are computed, inputs before users
  std::set<const Node*> fused_;    // of them: products that their sum computes
  std::vector<Leaf> leaves_;       // as the maps ask for them: an order by address would differ from run to run
  Leaf out_{};
  std::optional<ByteTable> table_;
};

// Loads `lanes` elements of `dtype` at element stride `stride` from `base`, in register form. Lanes off
// the mask are not touched and give 0. mask may be nullptr.
llvm::Value* LoadLanes(EmitContext& e, DType dtype, llvm::Value* base, llvm::Value* stride, llvm::Value* mask,
                       int lanes);
// Lanes below `count` (i64), for the vector that starts `skip` elements in.
llvm::Value* LaneMask(llvm::IRBuilder<>& b, llvm::Value* count, int64_t skip, int lanes);

}  // namespace belay
