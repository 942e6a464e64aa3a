#ifndef GRAPH_ASCEND_STRING_H_
#define GRAPH_ASCEND_STRING_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace ge {

// A string that crosses the library boundary whatever std::string the two sides use: the text is
// made, read and freed inside the library only. A default or null one is "" and sorts first.
class AscendString {
 public:
  AscendString() = default;
  ~AscendString() = default;
  AscendString(const char* const name);  // NOLINT: implicit by contract
  AscendString(const char* const name, size_t length);

  const char* GetString() const;
  size_t GetLength() const;
  size_t Find(const AscendString& ascend_string) const;
  size_t Hash() const;

  bool operator<(const AscendString& d) const;
  bool operator>(const AscendString& d) const;
  bool operator<=(const AscendString& d) const;
  bool operator>=(const AscendString& d) const;
  bool operator==(const AscendString& d) const;
  bool operator!=(const AscendString& d) const;

 private:
  std::shared_ptr<std::string> name_;
};

}  // namespace ge

namespace std {
template <>
struct hash<ge::AscendString> {
  size_t operator()(const ge::AscendString& name) const { return name.Hash(); }
};
}  // namespace std

#endif  // GRAPH_ASCEND_STRING_H_
