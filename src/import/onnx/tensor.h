// Tensors of a model file as literals.
#pragma once
#include <map>
#include <string>

#include "base/status.h"
#include "graph/literal.h"
#include "import/onnx/proto.h"

namespace belay::onnx {

struct MappedFile;

// Data files beside a model. Nothing outside the model's directory is ever opened.
class ExternalFiles {
 public:
  // Empty: the model came from memory and has no directory.
  explicit ExternalFiles(std::string directory) : directory_(std::move(directory)) {}
  Result<std::shared_ptr<const MappedFile>> Open(const std::string& location);

 private:
  std::string directory_;
  std::map<std::string, std::shared_ptr<const MappedFile>> open_;
};

// The whole file, read-only, mapped.
struct MappedFile {
  const char* data = nullptr;
  size_t size = 0;
  MappedFile() = default;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
};
Result<std::shared_ptr<const MappedFile>> MapFile(const std::string& path);

Result<LiteralPtr> ToLiteral(const TensorProto& tensor, ExternalFiles* files);
// Zeros written out.
Result<LiteralPtr> ToLiteral(const SparseTensorProto& tensor, ExternalFiles* files);

}  // namespace belay::onnx
