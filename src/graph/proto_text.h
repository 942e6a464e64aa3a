// The text form of protobuf messages, written field by field.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace belay {

class ProtoText {
 public:
  // Open until it goes out of scope.
  class Message {
   public:
    explicit Message(ProtoText* text) : text_(text) {}
    ~Message() { text_->Close(); }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

   private:
    ProtoText* const text_;
  };

  [[nodiscard]] Message Open(std::string_view field);
  void Bytes(std::string_view field, std::string_view value);  // strings as well
  void Int(std::string_view field, int64_t value);
  void Float(std::string_view field, double value);
  void Bool(std::string_view field, bool value) { Word(field, value ? "true" : "false"); }
  void Word(std::string_view field, std::string_view value);  // an enumerator
  std::string Take() { return std::move(text_); }

 private:
  void Close();
  std::string text_;
  size_t depth_ = 0;
};

}  // namespace belay
