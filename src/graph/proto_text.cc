#include "graph/proto_text.h"

#include <fmt/format.h>

#include <cmath>

namespace belay {

ProtoText::Message ProtoText::Open(std::string_view field) {
  text_.append(2 * depth_++, ' ').append(field).append(" {\n");
  return Message(this);
}

void ProtoText::Close() { text_.append(2 * --depth_, ' ').append("}\n"); }

void ProtoText::Word(std::string_view field, std::string_view value) {
  text_.append(2 * depth_, ' ').append(field).append(": ").append(value).append("\n");
}

void ProtoText::Int(std::string_view field, int64_t value) { Word(field, std::to_string(value)); }

void ProtoText::Float(std::string_view field, double value) {
  Word(field, std::isnan(value) ? "nan" : fmt::format("{}", value));
}

void ProtoText::Bytes(std::string_view field, std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted.append(1, '\\').append(1, c);
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      const char octal[] = {'\\', static_cast<char>('0' + byte / 64), static_cast<char>('0' + byte / 8 % 8),
                            static_cast<char>('0' + byte % 8)};
      quoted.append(octal, sizeof octal);
    } else {
      quoted += c;
    }
  }
  Word(field, quoted + "\"");
}

}  // namespace belay
