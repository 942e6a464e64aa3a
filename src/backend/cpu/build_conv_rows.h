// Where the rows of a convolution's matrix problem lie: pixels of its image.
#pragma once
#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_conv.h"

namespace belay {

// A table of the block's input pixels.
std::unique_ptr<RowSource> MakeTableRows(const ConvShape& s, const Dim& m);
// Windows copied one behind the other: few channels, another dtype, or words that channels do not fill.
std::unique_ptr<RowSource> MakeWindowRows(const ConvShape& s, const Dim& m);

// For tile registers: runs of output pixels read evenly spaced input pixels, of x itself or of a copy with a border.
// Such a run stays in one row of the image: its length, which register rows have to divide; 0 when nothing fits.
// The image is the only dim of the output that is batch.
int64_t ImageRun(const ConvShape& s, const MatrixProblem& p);
// Where few channels would leave most of each tap's words empty, but a row of the window nearly fills one register's:
// how many taps such a row has; `words`: of each. 0 elsewhere.
int64_t JoinedTaps(const ConvShape& s, const MatrixProblem& p, int64_t* words);
// The same for vectors: such a run, which the rows of a tile have to divide, reads few channels from rows of the image.
int64_t ImageRunOfVectors(const ConvShape& s, const MatrixProblem& p);
std::unique_ptr<RowSource> MakeImageRows(const ConvShape& s, const MatrixProblem& p);

// The element offset in x of an image, and of the block's group.
llvm::Value* ImageOffset(KernelFrame& f, const ConvShape& s, const MatrixBlock& block, llvm::Value* image);

}  // namespace belay
