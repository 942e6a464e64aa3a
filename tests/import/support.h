// What the import tests share.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "import/onnx/importer.h"

namespace belay::test {

inline std::string ModelPath(const std::string& name) {
  return std::string(BELAY_SOURCE_DIR) + "/tests/import/models/" + name;
}
inline std::string FileBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

using ImportResult = Result<std::shared_ptr<ModelGraph>>;
inline ImportResult ImportBytes(const std::string& bytes, const OnnxImportOptions& options = {}) {
  return ImportOnnxMemory(bytes.data(), bytes.size(), options);
}

// The message of a call that must fail with `code`.
inline std::string Refusal(const ImportResult& result, Code code) {
  EXPECT_FALSE(result.ok()) << "it was imported";
  if (result.ok()) return "";
  EXPECT_EQ(result.status().code(), code) << result.status().message();
  return result.status().message();
}

inline const ModelNode* FindNode(const ModelGraph& graph, const std::string& name) {
  for (const ModelNode& n : graph.nodes) {
    if (n.name == name) return &n;
  }
  return nullptr;
}
inline int CountType(const ModelGraph& graph, const std::string& type) {
  int count = 0;
  for (const ModelNode& n : graph.nodes) count += n.type == type;
  return count;
}

}  // namespace belay::test

#define EXPECT_HAS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << text
