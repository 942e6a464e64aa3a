#include "ops/driver/case_file.h"

#include <algorithm>
#include <fstream>
#include <functional>

#include "graph/prototype.h"
#include "ops/driver/value.h"
#include "support/engine.h"

namespace belay {
namespace {

struct Range {
  double lo, hi;
};

// One block of lines, before they are multiplied.
struct Block {
  std::vector<std::string> ops, dtypes, shapes;
  std::vector<std::pair<std::string, std::vector<std::string>>> values;  // NAME: variants
  std::map<std::string, Range> ranges;                                   // "" for all inputs
  std::map<std::string, int> outputs;
  std::vector<std::string> fixed;
  int reads = -1;
  bool static_only = false;
  double ulps = -1, relative = -1;
  int line = 0;
};

uint64_t Hash(const std::string& text) {
  uint64_t h = 1469598103934665603u;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

LiteralPtr Fill(const Block& block, const std::string& name, DType dtype, std::vector<int64_t> dims,
                uint64_t seed) {
  Range range = IsFloat(dtype) ? Range{-2, 2} : IsUnsignedInt(dtype) ? Range{0, 10} : Range{-5, 5};
  for (const std::string& key : {std::string(), name}) {
    auto it = block.ranges.find(key);
    if (it != block.ranges.end()) range = it->second;
  }
  return RandomLiteral(dtype, std::move(dims), range.lo, range.hi, seed);
}

const std::string* Chosen(const std::map<std::string, std::string>& chosen, const char* name) {
  auto it = chosen.find(name);
  return it == chosen.end() ? nullptr : &it->second;
}

// The data inputs' tokens for one shape (or dtype) value, by prototype port; "" where there is
// none.
std::vector<std::string> Spread(const std::string& value,
                                const std::vector<const PortProto*>& ports, bool optional_too) {
  std::vector<std::string> parts = SplitAt(value, '/');
  std::vector<std::string> out;
  for (size_t i = 0; i < ports.size(); ++i) {
    const bool takes = optional_too || ports[i]->kind != PortKind::kOptional;
    if (parts.size() == 1) {
      out.push_back(takes ? parts[0] : "");
    } else {
      out.push_back(i < parts.size() && parts[i] != "-" ? parts[i] : "");
    }
  }
  return out;
}

void MarkFixed(const Block& block, OpCase* c) {
  for (InputCase& in : c->inputs) {
    in.fixed = std::find(block.fixed.begin(), block.fixed.end(), in.name) != block.fixed.end();
  }
}

class Expander {
 public:
  Expander(const Block& block, CaseFile* file) : block_(block), file_(file) {}

  void Run() {
    for (const std::string& op : block_.ops) {
      for (const std::string& shape : block_.shapes) {
        for (const std::string& dtype : block_.dtypes) Choose(op, shape, dtype, 0, {});
      }
    }
  }

 private:
  void Choose(const std::string& op, const std::string& shape, const std::string& dtype, size_t at,
              std::map<std::string, std::string> chosen) {
    if (at == block_.values.size()) {
      Status status = Make(op, shape, dtype, chosen);
      if (!status.ok())
        file_->problems.push_back(fmt::format("line {}: {}", block_.line, status.message()));
      return;
    }
    auto& [name, variants] = block_.values[at];
    for (const std::string& variant : variants) {
      chosen[name] = variant;
      Choose(op, shape, dtype, at + 1, chosen);
    }
  }

  Status Make(const std::string& op, const std::string& shape, const std::string& dtype,
              const std::map<std::string, std::string>& chosen) {
    const Prototype* proto = FindPrototype(op);
    if (!proto) return NotFound("there is no operator {}", op);
    OpCase c;
    c.op = op;
    c.line = block_.line;
    c.text = fmt::format("{} dtype {} shape {}", op, dtype, shape);
    for (auto& [name, value] : chosen) c.text += fmt::format(" {}={}", name, value);
    c.static_only = block_.static_only;
    c.ulps = block_.ulps;
    c.relative = block_.relative;
    c.outputs = block_.outputs;
    c.reads = block_.reads;
    BELAY_RETURN_IF_ERROR(AddInputs(*proto, shape, dtype, chosen, &c));
    for (auto& [name, value] : chosen) {
      if (FindInput(*proto, name) >= 0 || value == "-") continue;
      const int attr = FindAttr(*proto, name);
      if (attr < 0) return NotFound("{} has no input or attribute {}", op, name);
      BELAY_TRY(c.attrs[name], ParseAttr(proto->attrs[attr].type, value));
    }
    MarkFixed(block_, &c);
    file_->cases.push_back(std::move(c));
    return OkStatus();
  }

  Status AddInputs(const Prototype& proto, const std::string& shape, const std::string& dtype,
                   const std::map<std::string, std::string>& chosen, OpCase* c) {
    std::vector<const PortProto*> data;
    for (const PortProto& port : proto.inputs) {
      if (!Chosen(chosen, port.name)) data.push_back(&port);
    }
    const std::vector<std::string> shapes = Spread(shape, data, false),
                                   dtypes = Spread(dtype, data, true);
    size_t next = 0;
    for (const PortProto& port : proto.inputs) {
      if (const std::string* value = Chosen(chosen, port.name)) {
        if (*value == "-") continue;
        BELAY_TRY(LiteralPtr literal, ParseTensor(*value, DType::kI64));
        c->inputs.push_back({port.name, true, false, literal});
        continue;
      }
      const size_t k = next++;
      if (shapes[k].empty()) continue;
      DType type;
      if (!ParseDType(dtypes[k], &type)) return InvalidArgument("'{}' is no dtype", dtypes[k]);
      for (const std::string& instance : SplitAt(shapes[k], '+')) {
        BELAY_TRY(std::vector<int64_t> dims, ParseExtents(instance));
        const uint64_t seed = Hash(c->text) + c->inputs.size();
        c->inputs.push_back({port.name, false, false, Fill(block_, port.name, type, dims, seed)});
      }
    }
    return OkStatus();
  }

  const Block& block_;
  CaseFile* file_;
};

// A tensor as a line writes it; nullptr when the text is none of these forms.
Result<LiteralPtr> KnownOrRandom(const std::string& name, const std::string& text, const Words& words) {
  const bool extents = text.starts_with("shape($") && text.back() == ')';
  if (extents || text[0] == '$') {
    const std::string key = extents ? text.substr(7, text.size() - 8) : text.substr(1);
    auto it = words.known.find(key);
    if (it == words.known.end()) return NotFound("'{}' means nothing", text);
    if (!extents) return it->second;
    return LiteralFromInts(DType::kI64, {static_cast<int64_t>(it->second->dims.size())},
                           it->second->dims);
  }
  const size_t at = text.find('@'), dots = text.find("..", at == std::string::npos ? 0 : at);
  double lo = words.lo, hi = words.hi;
  if (at != std::string::npos && dots != std::string::npos) {
    lo = std::stod(text.substr(at + 1, dots - at - 1));
    hi = std::stod(text.substr(dots + 2));
  }
  DType dtype;
  std::vector<int64_t> dims;
  if (!words.by_type || !ParseType(text.substr(0, at), &dtype, &dims)) return LiteralPtr();
  return RandomLiteral(dtype, dims, lo, hi, Hash(name));
}

class Reader {
 public:
  CaseFile Read(const std::string& path) {
    std::ifstream in(path);
    if (!in) file_.problems.push_back("cannot be read");
    for (std::string line; std::getline(in, line);) {
      ++number_;
      const size_t comment = line.find('#');
      if (comment != std::string::npos) line.resize(comment);
      line = Trim(line);
      if (line.empty()) continue;
      Status status = Line(line);
      if (!status.ok())
        file_.problems.push_back(fmt::format("line {}: {}", number_, status.message()));
    }
    Finish();
    return std::move(file_);
  }

 private:
  Status Line(const std::string& line) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return InvalidArgument("'{}' has no ':'", line);
    const std::vector<std::string> key = SplitWords(line.substr(0, colon));
    const std::string rest = Trim(line.substr(colon + 1));
    if (key.empty()) return InvalidArgument("'{}' has no key", line);
    if (key[0] == "golden" || key[0] == "error") return Given(key[0] == "error", rest);
    const std::vector<std::string> words = SplitWords(rest);
    if (key[0] == "op") {
      Finish();
      block_ = Block{};
      block_.line = number_;
      block_.ops = words;
      return OkStatus();
    }
    if (block_.ops.empty()) return InvalidArgument("a block starts with op:");
    return Setting(key, words);
  }

  Status Setting(const std::vector<std::string>& key, const std::vector<std::string>& words) {
    if (key[0] == "dtype") {
      block_.dtypes = words;
    } else if (key[0] == "shape") {
      block_.shapes = words;
      block_.line = number_;
    } else if (key[0] == "range") {
      if (words.size() != 2) return InvalidArgument("range needs two numbers");
      block_.ranges[key.size() > 1 ? key[1] : ""] = {std::stod(words[0]), std::stod(words[1])};
    } else if (key[0] == "tolerance") {
      if (words.size() != 2) return InvalidArgument("tolerance needs ulps and a share");
      block_.ulps = std::stod(words[0]);
      block_.relative = std::stod(words[1]);
    } else if (key[0] == "fixed") {
      block_.fixed = words;
    } else if (key[0] == "reads") {
      if (words.size() != 1) return InvalidArgument("reads needs a number");
      block_.reads = std::stoi(words[0]);
    } else if (key[0] == "extents") {
      block_.static_only = words == std::vector<std::string>{"static"};
      if (!block_.static_only) return InvalidArgument("extents are static or not mentioned");
    } else if (key[0] == "outputs") {
      for (const std::string& word : words) {
        const size_t equal = word.find('=');
        if (equal == std::string::npos) return InvalidArgument("'{}' is no NAME=COUNT", word);
        block_.outputs[word.substr(0, equal)] = std::stoi(word.substr(equal + 1));
      }
    } else {
      block_.values.emplace_back(key.size() > 1 ? key[1] : key[0], words);
    }
    return OkStatus();
  }

  Status Given(bool is_error, const std::string& rest) {
    const size_t arrow = rest.find("->");
    if (arrow == std::string::npos) return InvalidArgument("the line has no '->'");
    const std::string expected = Trim(rest.substr(arrow + 2));
    for (const std::string& op : block_.ops) {
      const Prototype* proto = FindPrototype(op);
      if (!proto) return NotFound("there is no operator {}", op);
      OpCase c;
      c.op = op;
      c.line = number_;
      c.text = op + " " + Trim(rest.substr(0, arrow));
      c.static_only = block_.static_only;
      c.ulps = block_.ulps;
      c.relative = block_.relative;
      c.outputs = block_.outputs;
      BELAY_RETURN_IF_ERROR(ReadWords(rest.substr(0, arrow), {is_error, 0, 1, {}}, &c));
      MarkFixed(block_, &c);
      if (is_error) {
        c.error = expected;
      } else {
        for (const std::string& item : SplitAt(expected, ';')) {
          BELAY_RETURN_IF_ERROR(ReadExpected(*proto, Trim(item), &c));
        }
      }
      file_.cases.push_back(std::move(c));
    }
    return OkStatus();
  }

  static Status ReadExpected(const Prototype& proto, const std::string& text, OpCase* c) {
    const size_t equal = text.find('=');
    const std::string name = text.substr(0, equal);
    if (equal != std::string::npos && FindInput(proto, name) < 0) return NotFound("there is no input {}", name);
    LiteralPtr literal;
    if (text != "-") {
      BELAY_TRY(literal, ParseTensor(equal == std::string::npos ? text : text.substr(equal + 1), DType::kF32));
    }
    if (equal == std::string::npos) {
      c->golden.push_back(literal);
    } else {
      c->golden_after[name] = literal;
    }
    return OkStatus();
  }

  void Finish() {
    if (block_.shapes.empty()) return;
    if (block_.dtypes.empty()) block_.dtypes = {"f32"};
    Expander(block_, &file_).Run();
  }

  CaseFile file_;
  Block block_;
  int number_ = 0;
};

}  // namespace

CaseFile ReadCaseFile(const std::string& path) { return Reader().Read(path); }

Status ReadWords(const std::string& text, const Words& words, OpCase* c) {
  const Prototype* proto = FindPrototype(c->op);
  if (!proto) return NotFound("there is no operator {}", c->op);
  bool force_const = false, force_data = false;
  std::vector<InputCase> inputs;
  for (const std::string& word : SplitWords(text)) {
    if (word == "const" || word == "data") {
      (word == "const" ? force_const : force_data) = true;
      continue;
    }
    const size_t equal = word.find('=');
    if (equal == std::string::npos) return InvalidArgument("'{}' is no NAME=VALUE", word);
    const std::string name = word.substr(0, equal), value = word.substr(equal + 1);
    const int input = FindInput(*proto, name), attr = FindAttr(*proto, name);
    if (input < 0 && attr < 0) return NotFound("{} has no input or attribute {}", c->op, name);
    if (input < 0) {
      BELAY_TRY(c->attrs[name], ParseAttr(proto->attrs[attr].type, value));
      continue;
    }
    BELAY_TRY(LiteralPtr literal, KnownOrRandom(name, value, words));
    const bool spelled_out = !literal || value.starts_with("shape(");
    if (!literal) {
      BELAY_TRY(literal, ParseTensor(value, DType::kF32));
    }
    if (spelled_out && input > 0 && IsInt(literal->dtype) && !force_data) force_const = true;
    inputs.push_back({name, force_const, false, literal});
    force_const = force_data = false;
  }
  for (const PortProto& port : proto->inputs) {
    for (const InputCase& in : inputs) {
      if (in.name == port.name) c->inputs.push_back(in);
    }
  }
  return OkStatus();
}

}  // namespace belay
