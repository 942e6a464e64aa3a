#include "graph/library.h"

namespace belay {

Status LibraryTopK(LibraryCall& call);
Status LibraryNonZero(LibraryCall& call);
Status LibraryUnique(LibraryCall& call);
Status LibraryNonMaxSuppression(LibraryCall& call);
Status LibraryRecurrent(LibraryCall& call);
Status LibraryDeterminant(LibraryCall& call);
Status LibraryDeltaRule(LibraryCall& call);
Status LibrarySlice(LibraryCall& call);
Status LibraryLinearAttention(LibraryCall& call);
Status LibraryNextSeed(LibraryCall& call);
Status LibraryFourier(LibraryCall& call);
Status LibraryTreeEnsemble(LibraryCall& call);
Status LibraryNgrams(LibraryCall& call);
Status LibraryDecodeImage(LibraryCall& call);
Status LibraryRoiAlign(LibraryCall& call);
Status LibraryRoiPool(LibraryCall& call);
Status LibraryRange(LibraryCall& call);
Status LibraryTextRead(LibraryCall& call);
Status LibraryTextWrite(LibraryCall& call);
Status LibraryTextJoin(LibraryCall& call);
Status LibraryTextLength(LibraryCall& call);
Status LibraryTextStrip(LibraryCall& call);
Status LibraryTextRanks(LibraryCall& call);
Status LibraryTextSplit(LibraryCall& call);
Status LibraryTextCase(LibraryCall& call);
Status LibraryTextNormalize(LibraryCall& call);
Status LibraryTextMatch(LibraryCall& call);
Status LibraryNumberToText(LibraryCall& call);
Status LibraryTextToNumber(LibraryCall& call);
Status LibrarySequenceRead(LibraryCall& call);
Status LibrarySequenceWrite(LibraryCall& call);
Status LibrarySequenceConstruct(LibraryCall& call);
Status LibrarySequenceInsert(LibraryCall& call);
Status LibrarySequenceErase(LibraryCall& call);
Status LibrarySequenceLength(LibraryCall& call);
Status LibrarySequenceAt(LibraryCall& call);
Status LibrarySequenceConcat(LibraryCall& call);
Status LibrarySequenceSplit(LibraryCall& call);
Status LibraryOptionalHas(LibraryCall& call);
Status LibraryOptionalGet(LibraryCall& call);

namespace {

struct Row {
  const char* name;
  Status (*fn)(LibraryCall& call);
  bool takes_run_values = false;
};
const Row kFunctions[] = {
    {"top_k", LibraryTopK},
    {"non_zero", LibraryNonZero},
    {"unique", LibraryUnique},
    {"non_max_suppression", LibraryNonMaxSuppression},
    {"recurrent", LibraryRecurrent},
    {"determinant", LibraryDeterminant},
    {"delta_rule", LibraryDeltaRule},
    {"slice", LibrarySlice},
    {"linear_attention", LibraryLinearAttention},
    {"next_seed", LibraryNextSeed},
    {"fourier", LibraryFourier},
    {"tree_ensemble", LibraryTreeEnsemble},
    {"ngrams", LibraryNgrams},
    {"decode_image", LibraryDecodeImage},
    {"roi_align", LibraryRoiAlign},
    {"roi_pool", LibraryRoiPool},
    {"range", LibraryRange},
    {"text_read", LibraryTextRead, true},
    {"text_write", LibraryTextWrite, true},
    {"text_join", LibraryTextJoin, true},
    {"text_length", LibraryTextLength, true},
    {"text_strip", LibraryTextStrip, true},
    {"text_ranks", LibraryTextRanks, true},
    {"text_split", LibraryTextSplit, true},
    {"text_case", LibraryTextCase, true},
    {"text_normalize", LibraryTextNormalize, true},
    {"text_match", LibraryTextMatch, true},
    {"number_to_text", LibraryNumberToText, true},
    {"text_to_number", LibraryTextToNumber, true},
    {"sequence_read", LibrarySequenceRead, true},
    {"sequence_write", LibrarySequenceWrite, true},
    {"sequence_construct", LibrarySequenceConstruct, true},
    {"sequence_insert", LibrarySequenceInsert, true},
    {"sequence_erase", LibrarySequenceErase, true},
    {"sequence_length", LibrarySequenceLength, true},
    {"sequence_at", LibrarySequenceAt, true},
    {"sequence_concat", LibrarySequenceConcat, true},
    {"sequence_split", LibrarySequenceSplit, true},
    {"optional_has", LibraryOptionalHas, true},
    {"optional_get", LibraryOptionalGet, true},
};

const Row* Find(const std::string& name) {
  for (const Row& row : kFunctions) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

}  // namespace

LibraryFn FindLibraryFunction(const std::string& name) {
  const Row* row = Find(name);
  return row ? LibraryFn(row->fn) : nullptr;
}

LibraryFn FunctionOf(const Node& call) {
  return call.function ? *call.function : FindLibraryFunction(call.callee);
}

bool LibraryTakesRunValues(const std::string& name) {
  const Row* row = Find(name);
  return row && row->takes_run_values;
}

int64_t LibraryBuffer::NumElements() const {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

int64_t LibraryCall::Attr(const char* name, int64_t fallback) const {
  return AttrOf(*attrs, name, fallback);
}

void* LibraryCall::Allocate(int output, std::vector<int64_t> dims) {
  LibraryBuffer& out = outputs[output];
  out.dims = std::move(dims);
  out.data = allocate(output, ByteSize(out.dtype, out.NumElements()));
  return out.data;
}

}  // namespace belay
