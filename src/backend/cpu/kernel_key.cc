#include "backend/cpu/kernel_key.h"

#include <algorithm>
#include <map>

namespace belay {
namespace {

class KeyWriter {
 public:
  explicit KeyWriter(std::vector<int>* symbols) : symbols_(symbols) {}

  std::string Write(const KernelSpec& spec) {
    for (size_t i = 0; i < spec.fragment->inputs.size(); ++i) {
      const Node* in = spec.fragment->inputs[i];
      ids_[in] = static_cast<int>(ids_.size());
      Add(in->type);
      bool constant = i < spec.constant_inputs.size() && spec.constant_inputs[i];
      text_ += constant ? "c;" : ";";
    }
    for (const Node* n : TopologicalOrder(*spec.fragment)) {
      if (n->op != Op::kInput) AddNode(*n);
    }
    if (spec.plain_sums) text_ += "plain";
    for (const Node* n : spec.fragment->outputs) text_ += fmt::format(">{}", ids_[n]);
    if (spec.overwritten_input >= 0) text_ += fmt::format("!{}", spec.overwritten_input);
    if (spec.place) {
      text_ += fmt::format("@{}:", spec.place->axis);
      for (const Dim& d : spec.place->whole) Add(d);
      Add(spec.place->first);
    }
    if (spec.handed_bytes > 0) text_ += fmt::format("/{}", spec.handed_bytes);
    return std::move(text_);
  }

 private:
  void Add(const Dim& d) {
    if (d.IsConst()) return Add(d.value());
    d.CollectSymbols(symbols_);
    auto renamed = [&](int id) {
      const auto at = std::find(symbols_->begin(), symbols_->end(), id);
      return Dim::Symbol(static_cast<int>(at - symbols_->begin()));
    };
    text_ += d.Substitute(renamed).ToString() + ",";
  }
  void Add(int64_t v) { text_ += fmt::format("{},", v); }
  void Add(const TensorType& type) {
    text_ += DTypeName(type.dtype);
    text_ += '[';
    for (const Dim& d : type.shape) Add(d);
    text_ += ']';
  }
  template <typename T>
  void AddList(char tag, const std::vector<T>& list) {
    if (list.empty()) return;
    text_ += tag;
    for (const T& v : list) Add(v);
  }
  void AddNode(const Node& n) {
    ids_[&n] = static_cast<int>(ids_.size());
    text_ += fmt::format("{}.{}.{}.{}(", int(n.op), int(n.scalar), int(n.reduce), int(n.flags));
    for (const Node* in : n.inputs) Add(ids_.at(in));
    text_ += ')';
    Add(n.type);
    AddList('a', n.axes);
    AddList('s', n.starts);
    AddList('t', n.steps);
    if (n.literal) {
      text_ += '"';
      text_.append(static_cast<const char*>(n.literal->data()),
                   static_cast<size_t>(n.literal->ByteSize()));
      text_ += '"';
    }
    if (n.window) {
      AddList('k', n.window->kernel);
      AddList('r', n.window->strides);
      AddList('d', n.window->dilations);
      AddList('p', n.window->pads_lo);
      Add(n.window->groups);
      Add(n.window->fill);
    }
    text_ += ';';
  }

  std::string text_;
  std::map<const Node*, int> ids_;
  std::vector<int>* symbols_;
};

}  // namespace

std::string KernelKey(const KernelSpec& spec, std::vector<int>* symbols) {
  symbols->clear();
  return KeyWriter(symbols).Write(spec);
}

}  // namespace belay
