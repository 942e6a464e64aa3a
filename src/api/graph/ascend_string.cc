#include "graph/ascend_string.h"

#include <string>
#include <string_view>

namespace ge {

// Only this file touches the text, so that std::string's layout never crosses the boundary.
AscendString::AscendString(const char* const name)
    : name_(name == nullptr ? nullptr : std::make_shared<std::string>(name)) {}

AscendString::AscendString(const char* const name, size_t length)
    : name_(name == nullptr ? nullptr : std::make_shared<std::string>(name, length)) {}

const char* AscendString::GetString() const { return name_ == nullptr ? "" : name_->c_str(); }

size_t AscendString::GetLength() const { return name_ == nullptr ? 0 : name_->size(); }

size_t AscendString::Find(const AscendString& ascend_string) const {
  if (name_ == nullptr || ascend_string.name_ == nullptr) return std::string::npos;
  return name_->find(*ascend_string.name_);
}

size_t AscendString::Hash() const {
  return std::hash<std::string_view>()(std::string_view(GetString(), GetLength()));
}

bool AscendString::operator<(const AscendString& d) const {
  if (name_ == nullptr || d.name_ == nullptr) return name_ == nullptr && d.name_ != nullptr;
  return *name_ < *d.name_;
}

bool AscendString::operator==(const AscendString& d) const {
  if (name_ == nullptr || d.name_ == nullptr) return name_ == d.name_;
  return *name_ == *d.name_;
}

bool AscendString::operator>(const AscendString& d) const { return d < *this; }
bool AscendString::operator<=(const AscendString& d) const { return !(d < *this); }
bool AscendString::operator>=(const AscendString& d) const { return !(*this < d); }
bool AscendString::operator!=(const AscendString& d) const { return !(*this == d); }

}  // namespace ge
