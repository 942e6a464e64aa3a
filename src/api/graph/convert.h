// GE's values as the engine's, and back.
#pragma once
#include <optional>

#include "api/graph/attr_data.h"
#include "graph/model.h"
#include "base/status.h"

namespace belay {

// Types the engine computes with have the same numbers, and so have those of ONNX that GE lacks, so
// that an imported graph keeps them; the others have none here.
std::optional<DType> ToDType(ge::DataType type);
ge::DataType FromDType(DType dtype);

// The tensor's memory stays the one it is in.
Result<LiteralPtr> ToLiteral(const ge::Tensor& tensor);
ge::Tensor FromLiteral(const Literal& literal);

Result<AttrValue> ToModelAttr(const ge::AttrData& data);
ge::AttrData FromModelAttr(const AttrValue& value);

}  // namespace belay
