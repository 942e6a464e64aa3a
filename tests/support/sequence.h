// Literals of sequences and optionals: their one string is what base/sequences.h lays out.
#pragma once
#include <vector>

#include "graph/literal.h"

namespace belay {

LiteralPtr SequenceLiteral(const std::vector<LiteralPtr>& elements, bool optional = false);
// The bytes with which a tensor of texts, a sequence or anything else crosses the public interface.
std::vector<uint8_t> PublicBytes(const Literal& x);
// {optional, dtype, rank} of each level, as Data nodes tell the compiler.
std::vector<int64_t> ElementAttr(const Literal& sequence);

}  // namespace belay
