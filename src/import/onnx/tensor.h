// Tensors of a model file as literals.
#pragma once
#include <map>
#include <string>

#include "base/file_hashes.h"
#include "base/status.h"
#include "graph/literal.h"
#include "import/onnx/proto.h"

namespace belay::onnx {

struct MappedFile;

// The model's file and data files beside it. Nothing outside the model's directory is ever opened.
class ExternalFiles {
 public:
  // Without a file the model came from memory; an empty directory: data files cannot be had.
  explicit ExternalFiles(std::string directory, std::shared_ptr<const MappedFile> model = nullptr)
      : directory_(std::move(directory)), model_(std::move(model)) {}
  Result<std::shared_ptr<const MappedFile>> Open(const std::string& location);
  const std::shared_ptr<const MappedFile>& model() const { return model_; }

 private:
  std::string directory_;
  std::shared_ptr<const MappedFile> model_;
  std::map<std::string, std::shared_ptr<const MappedFile>> open_;
};

// The whole file, read-only, mapped. Whoever shortens it kills who reads the mapping, so that what is needed later
// than in the call that mapped it is read from `fd`.
struct MappedFile {
  std::string path;
  int fd = -1;
  const char* data = nullptr;
  size_t size = 0;
  MappedFile() = default;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
};
Result<std::shared_ptr<const MappedFile>> MapFile(const std::string& path);

// Where much of it lies in files: hashes the large tensors among these, on all cores, and leaves their bytes there. Who
// needs them reads them then, and is told when they are no longer the same. `hashes`, which may be null, has those of
// files that were hashed before.
void FindLateBytes(std::vector<TensorProto>* tensors, ExternalFiles* files, FileHashes* hashes);
Result<LiteralPtr> ToLiteral(const TensorProto& tensor, ExternalFiles* files);
// Zeros written out.
Result<LiteralPtr> ToLiteral(const SparseTensorProto& tensor, ExternalFiles* files);

}  // namespace belay::onnx
