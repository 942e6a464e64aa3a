// ONNX models to ModelGraph.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file_hashes.h"
#include "base/status.h"
#include "graph/model.h"
#include "graph/problem.h"

namespace belay {

struct OnnxImportOptions {
  // Replaces declared extents; -1 leaves one open. Extents that the model fixes must agree.
  std::map<std::string, std::vector<int64_t>> input_shapes;
  // The same as text, "name:1,3,-1;scalar": names may hold colons, so the model's names decide.
  std::string input_shape_text;
  // Initializers that are also graph inputs and are fed by the caller: they become inputs, the others constants.
  std::set<std::string> fed_initializers;
  // Replaces the model's outputs: {node name, output number}.
  std::vector<std::pair<std::string, int>> out_nodes;
  // Not null: what is refused goes here, and the rest of the model is imported around nodes that are marked `refused`.
  Problems* problems = nullptr;
  // Not null: hashes of the files' large tensors are looked for there first.
  std::shared_ptr<FileHashes> hashes;
};

constexpr int kNewestOnnxOpset = 28;
constexpr int kNewestOnnxIr = 14;

// A refusal's message names all that is missing or wrong.
Result<std::shared_ptr<ModelGraph>> ImportOnnxFile(const std::string& path,
                                                   const OnnxImportOptions& options = {});
// `data` may go after the call. Models with external data need the file form.
Result<std::shared_ptr<ModelGraph>> ImportOnnxMemory(const void* data, size_t size,
                                                     const OnnxImportOptions& options = {});

}  // namespace belay
