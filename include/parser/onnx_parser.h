#ifndef PARSER_ONNX_PARSER_H_
#define PARSER_ONNX_PARSER_H_

#include <cstddef>
#include <map>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/graph.h"

namespace ge {

// Fills graph with the model; models with external data need the file form.
graphStatus aclgrphParseONNX(const char* model_file,
                             const std::map<ge::AscendString, ge::AscendString>& parser_params,
                             ge::Graph& graph);
graphStatus aclgrphParseONNXFromMem(
    const char* buffer, size_t size,
    const std::map<ge::AscendString, ge::AscendString>& parser_params, ge::Graph& graph);

}  // namespace ge

#endif  // PARSER_ONNX_PARSER_H_
