// Reads what PrintGraph writes. Symbols s0, s1, ... get their value from the first input extent
// that is the bare symbol.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>

#include "graph/graph.h"

namespace belay {
namespace {

const std::map<std::string, Op>& OpNames() {
  static const auto* const names = new std::map<std::string, Op>{{"const", Op::kConst},
                                                                 {"iota", Op::kIota},
                                                                 {"dims", Op::kDims},
                                                                 {"reshape", Op::kReshape},
                                                                 {"transpose", Op::kTranspose},
                                                                 {"broadcast", Op::kBroadcast},
                                                                 {"slice", Op::kSlice},
                                                                 {"pad", Op::kPad},
                                                                 {"concat", Op::kConcat},
                                                                 {"gather", Op::kGather},
                                                                 {"scatter", Op::kScatter},
                                                                 {"reduce", Op::kReduce},
                                                                 {"scan", Op::kScan},
                                                                 {"pool", Op::kPool},
                                                                 {"contract", Op::kContract},
                                                                 {"conv", Op::kConv},
                                                                 {"call", Op::kCall},
                                                                 {"get", Op::kGetOutput},
                                                                 {"if", Op::kIf},
                                                                 {"while", Op::kWhile},
                                                                 {"fused", Op::kFused}};
  return *names;
}

bool FindScalarOp(const std::string& name, ScalarOp* op) {
  for (int i = 0; i <= static_cast<int>(ScalarOp::kFma); ++i) {
    *op = static_cast<ScalarOp>(i);
    if (name == ScalarOpName(*op)) return true;
  }
  return false;
}

bool FindReduceKind(const std::string& name, ReduceKind* kind) {
  for (int i = 0; i <= static_cast<int>(ReduceKind::kArgMin); ++i) {
    *kind = static_cast<ReduceKind>(i);
    if (name == ReduceKindName(*kind)) return true;
  }
  return false;
}

// One text; every Read... leaves at_ behind what it read, or sets the error and reads nothing more.
class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  Result<std::unique_ptr<Graph>> Run() {
    std::unique_ptr<Graph> graph = ReadGraph();
    SkipBlanks();
    if (error_.ok() && at_ != text_.size()) Fail("text after the graph");
    if (!error_.ok()) return error_;
    AddSymbols(graph.get());
    return graph;
  }

 private:
  void Fail(const std::string& what) {
    if (!error_.ok()) return;
    int line = 1;
    for (size_t i = 0; i < at_ && i < text_.size(); ++i) line += text_[i] == '\n';
    error_ = InvalidArgument("line {}: {}, at '{}'", line, what, text_.substr(at_, 20));
    at_ = text_.size();
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
        ++at_;
      } else {
        return;
      }
    }
  }
  bool Peek(char c) {
    SkipBlanks();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool PeekWord(const std::string& word) {
    SkipBlanks();
    const size_t end = at_ + word.size();
    return text_.compare(at_, word.size(), word) == 0 &&
           (end >= text_.size() || !std::isalnum(static_cast<unsigned char>(text_[end])));
  }
  bool Take(char c) {
    if (!Peek(c)) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Take(c)) Fail(fmt::format("expected '{}'", c));
  }

  std::string ReadWord() {
    SkipBlanks();
    const size_t first = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    if (at_ == first) Fail("expected a name");
    return text_.substr(first, at_ - first);
  }
  double ReadNumber() {
    SkipBlanks();
    char* end = nullptr;
    const double v = std::strtod(text_.c_str() + at_, &end);
    const size_t after = static_cast<size_t>(end - text_.c_str());
    if (after == at_) Fail("expected a number");
    if (error_.ok()) at_ = after;
    return v;
  }
  int64_t ReadInt() {
    SkipBlanks();
    char* end = nullptr;
    const int64_t v = std::strtoll(text_.c_str() + at_, &end, 10);
    const size_t after = static_cast<size_t>(end - text_.c_str());
    if (after == at_) Fail("expected an integer");
    if (error_.ok()) at_ = after;
    return v;
  }

  Dim ReadFactor() {
    if (!error_.ok()) return 0;
    SkipBlanks();
    const bool number = at_ < text_.size() &&
                        (std::isdigit(static_cast<unsigned char>(text_[at_])) || text_[at_] == '-');
    if (number) return ReadInt();
    const std::string word = ReadWord();
    if (word.size() > 1 && word[0] == 's' && std::isdigit(static_cast<unsigned char>(word[1]))) {
      const int id = std::atoi(word.c_str() + 1);
      if (id > kMaxSymbol) Fail("a symbol's number is too large");
      symbol_count_ = std::max(symbol_count_, id + 1);
      return Dim::Symbol(id);
    }
    if (++depth_ > kMaxDepth) Fail("too deep");
    Expect('(');
    const Dim a = ReadDim();
    Expect(',');
    const Dim b = ReadDim();
    Expect(')');
    --depth_;
    if (word == "floordiv") return FloorDiv(a, b);
    if (word == "mod") return Mod(a, b);
    if (word == "min") return Min(a, b);
    if (word == "max") return Max(a, b);
    if (word == "eq") return Equal(a, b);
    if (word == "lt") return Less(a, b);
    Fail("unknown function " + word);
    return 0;
  }
  Dim ReadDim() {
    Dim sum = 0;
    do {
      Dim product = ReadFactor();
      while (Take('*')) product = product * ReadFactor();
      sum = sum + product;
    } while (Take('+'));
    return sum;
  }

  template <typename Fn>
  void ReadList(Fn item) {
    Expect('[');
    if (!error_.ok() || Take(']')) return;
    do {
      item();
    } while (error_.ok() && Take(','));
    Expect(']');
  }
  std::vector<int64_t> ReadInts() {
    std::vector<int64_t> out;
    ReadList([&] { out.push_back(ReadInt()); });
    return out;
  }
  std::vector<int> ReadSmallInts() {
    std::vector<int> out;
    ReadList([&] { out.push_back(static_cast<int>(ReadInt())); });
    return out;
  }
  std::vector<Dim> ReadDims() {
    std::vector<Dim> out;
    ReadList([&] { out.push_back(ReadDim()); });
    return out;
  }
  TensorType ReadType() {
    TensorType type;
    const std::string name = ReadWord();
    if (!ParseDType(name, &type.dtype)) Fail("unknown dtype " + name);
    type.shape = ReadDims();
    return type;
  }

  using Names = std::map<std::string, Node*>;
  Node* ReadUse(const Names& names) {
    const std::string name = ReadWord();
    auto it = names.find(name);
    if (it != names.end()) return it->second;
    Fail("nothing is called " + name);
    return nullptr;
  }

  std::unique_ptr<Graph> ReadGraph() {
    auto graph = std::make_unique<Graph>();
    Names names;
    if (++depth_ > kMaxDepth) Fail("too deep");
    Expect('(');
    while (error_.ok() && !Take(')')) {
      if (!graph->inputs.empty()) Expect(',');
      const std::string name = ReadWord();
      Expect(':');
      names[name] = graph->AddInput(static_cast<int>(graph->inputs.size()), ReadType());
    }
    if (PeekWord("given")) ReadGuards(graph.get());
    Expect('{');
    while (error_.ok()) {
      const std::string name = ReadWord();
      if (name == "return") break;
      ReadNode(graph.get(), name, &names);
    }
    if (!Peek('}') && !PeekWord("store")) {
      do {
        graph->outputs.push_back(ReadUse(names));
      } while (error_.ok() && Take(','));
    }
    while (PeekWord("store")) ReadStore(graph.get(), names);
    Expect('}');
    --depth_;
    return graph;
  }

  void ReadGuards(Graph* graph) {
    ReadWord();
    do {
      const bool expected = !PeekWord("not");
      if (!expected) ReadWord();
      graph->guards.push_back({ReadDim(), expected});
    } while (error_.ok() && Take(','));
  }

  void ReadStore(Graph* graph, const Names& names) {
    ReadWord();
    const Node* input = ReadUse(names);
    Expect('=');
    Node* value = ReadUse(names);
    if (!error_.ok()) return;
    if (input->op != Op::kInput) return Fail("a store needs an input");
    graph->stores.push_back({input->index, value});
  }

  void ReadNode(Graph* graph, const std::string& name, Names* names) {
    Expect(':');
    TensorType type = ReadType();
    Expect('=');
    const std::string word = ReadWord();
    ScalarOp scalar = ScalarOp::kAdd;
    auto op = OpNames().find(word);
    const bool known = op != OpNames().end();
    if (!known && !FindScalarOp(word, &scalar)) Fail("unknown operation " + word);
    Node* node = graph->Add(known ? op->second : Op::kMap, {}, std::move(type));
    node->scalar = scalar;
    if (node->op == Op::kCall) {
      Expect('.');
      node->callee = ReadWord();
    }
    Expect('(');
    while (error_.ok() && !Take(')')) {
      if (!node->inputs.empty()) Expect(',');
      node->inputs.push_back(ReadUse(*names));
    }
    ReadProperties(node, *names);
    while (error_.ok() && Peek('(')) node->subgraphs.push_back(ReadGraph());
    (*names)[name] = node;
  }

  // key=value pairs, up to the next node, subgraph or return.
  void ReadProperties(Node* node, const Names& names) {
    Window window;
    bool has_window = false;
    while (error_.ok()) {
      const size_t before = at_;
      SkipBlanks();
      if (at_ >= text_.size() || text_[at_] == '(') return;
      const std::string key = ReadWord();
      if (!Take('=')) {
        at_ = before;
        break;
      }
      if (key == "kernel" || key == "strides" || key == "dilations" || key == "pads" ||
          key == "groups" || key == "fill") {
        has_window = true;
        ReadWindow(key, &window);
      } else if (key == "home") {
        node->home = ReadUse(names);
      } else if (key == "after") {
        ReadList([&] { node->control.push_back(ReadUse(names)); });
      } else {
        ReadProperty(key, node);
      }
    }
    if (has_window) node->window = std::make_shared<Window>(std::move(window));
  }
  void ReadWindow(const std::string& key, Window* window) {
    if (key == "kernel") window->kernel = ReadInts();
    if (key == "strides") window->strides = ReadInts();
    if (key == "dilations") window->dilations = ReadInts();
    if (key == "pads") window->pads_lo = ReadDims();
    if (key == "groups") window->groups = ReadInt();
    if (key == "fill") window->fill = ReadInt();
  }
  void ReadProperty(const std::string& key, Node* node) {
    if (key == "value") {
      ReadLiteral(node);
    } else if (key == "kind") {
      const std::string kind = ReadWord();
      if (!FindReduceKind(kind, &node->reduce)) Fail("unknown kind " + kind);
    } else if (key == "flags") {
      node->flags = static_cast<uint8_t>(ReadInt());
    } else if (key == "index") {
      node->index = static_cast<int>(ReadInt());
    } else if (key == "axes") {
      node->axes = ReadSmallInts();
    } else if (key == "starts") {
      node->starts = ReadDims();
    } else if (key == "steps") {
      node->steps = ReadDims();
    } else if (key == "types") {
      ReadList([&] { node->call_types.push_back(ReadType()); });
    } else if (key == "binds") {
      node->binds = ReadSmallInts();
    } else {
      node->attrs.emplace_back(key, ReadInt());
    }
  }
  void ReadLiteral(Node* node) {
    if (Peek('<')) return Fail("a constant that was not printed whole");
    std::vector<int64_t> dims;
    for (const Dim& d : node->shape()) {
      if (!d.IsConst() || d.value() < 0) return Fail("a constant's extents must be known");
      dims.push_back(d.value());
    }
    std::vector<double> doubles;
    std::vector<int64_t> ints;
    const bool is_float = IsFloat(node->type.dtype);
    ReadList([&] {
      if (is_float) {
        doubles.push_back(ReadNumber());
      } else {
        ints.push_back(ReadInt());
      }
    });
    if (Dim(static_cast<int64_t>(doubles.size() + ints.size())) != NumElements(node->shape())) {
      return Fail("a constant has another number of elements than its type");
    }
    const DType dtype = node->type.dtype;
    node->literal =
        is_float ? LiteralFromDoubles(dtype, dims, doubles) : LiteralFromInts(dtype, dims, ints);
  }

  void AddSymbols(Graph* graph) const {
    for (int id = 0; id < symbol_count_; ++id) graph->symbols.push_back({fmt::format("s{}", id)});
    for (Node* input : graph->inputs) {
      for (int d = 0; d < input->rank(); ++d) {
        for (int id = 0; id < symbol_count_; ++id) {
          SymbolInfo& info = graph->symbols[id];
          if (info.input >= 0 || input->shape()[d] != Dim::Symbol(id)) continue;
          info.input = input->index;
          info.dim = d;
        }
      }
    }
  }

  static constexpr int kMaxSymbol = 10000, kMaxDepth = 100;
  const std::string text_;
  size_t at_ = 0;
  Status error_;
  int symbol_count_ = 0, depth_ = 0;
};

}  // namespace

Result<std::unique_ptr<Graph>> ParseGraph(const std::string& text) { return Parser(text).Run(); }

}  // namespace belay
