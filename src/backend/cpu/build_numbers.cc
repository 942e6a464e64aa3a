#include "backend/cpu/build_numbers.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/MathExtras.h>

#include <climits>
#include <functional>
#include <vector>

namespace belay {
namespace {

namespace Intr = llvm::Intrinsic;

using namespace llvm::PatternMatch;  // NOLINT: its words are made to be read so

constexpr char kSection[] = ".rodata.belay_numbers";

// Where LLVM makes nothing of knowing them.
bool TakesNumbers(const llvm::Instruction& instruction, unsigned operand) {
  switch (instruction.getOpcode()) {
    case llvm::Instruction::Add:
    case llvm::Instruction::Sub:
    case llvm::Instruction::Mul:
    case llvm::Instruction::FAdd:
    case llvm::Instruction::FSub:
    case llvm::Instruction::FMul:
    case llvm::Instruction::FDiv:
    case llvm::Instruction::FCmp:
    case llvm::Instruction::Select: return true;
    default: break;
  }
  const auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
  if (call == nullptr || operand >= call->arg_size()) return false;
  switch (call->getIntrinsicID()) {
    case Intr::x86_avx512_vpermi2var_qi_512: return operand != 1;
    case Intr::sadd_sat:
    case Intr::fma: return true;
    default: return false;
  }
}

// Not 0, 1, 2 and 1/2, which belong to a formula rather than to a model, nor counts of bytes and elements.
bool IsNumber(const llvm::Constant& c) {
  const bool vector = c.getType()->isVectorTy();
  llvm::Type* scalar = c.getType()->getScalarType();
  if (scalar->isIntegerTy(8)) return llvm::isa<llvm::ConstantDataVector>(c);
  const llvm::Constant* one = vector ? c.getSplatValue() : &c;
  if (const auto* number = llvm::dyn_cast_or_null<llvm::ConstantInt>(one)) {
    return (scalar->isIntegerTy(32) || (vector && scalar->isIntegerTy(16))) && number->getValue().abs().ugt(1);
  }
  const auto* number = llvm::dyn_cast_or_null<llvm::ConstantFP>(one);
  if (number == nullptr || !scalar->isFloatTy()) return false;
  const llvm::APFloat& value = number->getValueAPF();
  const int log2 = value.getExactLog2Abs();  // far below -1 where it is not exact
  return value.isFiniteNonZero() && (log2 < -1 || log2 > 1);
}

std::string BytesOf(const llvm::Constant& number) {
  if (const auto* data = llvm::dyn_cast<llvm::ConstantDataVector>(&number)) return data->getRawDataValues().str();
  const auto* real = llvm::dyn_cast<llvm::ConstantFP>(&number);
  const llvm::APInt bits =
      real ? real->getValueAPF().bitcastToAPInt() : llvm::cast<llvm::ConstantInt>(number).getValue();
  return {reinterpret_cast<const char*>(bits.getRawData()), bits.getBitWidth() / CHAR_BIT};
}

struct NumberUse {
  llvm::Use* use;
  llvm::Constant* number;
  llvm::Constant* stored;  // in the table
  llvm::Instruction* user() const { return llvm::cast<llvm::Instruction>(use->getUser()); }
};

std::vector<NumberUse> FindNumbers(llvm::Module& module, const TargetRow& row) {
  constexpr int kBytesWithBroadcasts = 64;  // registers of instructions that read one number into all lanes
  std::vector<NumberUse> uses;
  for (llvm::Function& f : module) {
    for (llvm::Instruction& instruction : llvm::instructions(f)) {
      for (llvm::Use& use : instruction.operands()) {
        auto* number = llvm::dyn_cast<llvm::Constant>(use);
        if (number == nullptr || !TakesNumbers(instruction, use.getOperandNo()) || !IsNumber(*number)) continue;
        const bool vector = number->getType()->isVectorTy() && row.vector_bytes == kBytesWithBroadcasts;
        llvm::Constant* one = vector ? number->getSplatValue() : nullptr;
        const bool broadcasts = one != nullptr && one->getType()->getScalarSizeInBits() == 32;
        uses.push_back({&use, number, broadcasts ? one : number});
      }
    }
  }
  return uses;
}

llvm::GlobalVariable* MakeTable(llvm::Module& module, const std::string& name, size_t bytes) {
  auto* type = llvm::ArrayType::get(llvm::Type::getInt8Ty(module.getContext()), bytes);
  // Weak, so that the zeros are not taken for the numbers.
  auto* table = new llvm::GlobalVariable(module, type, true, llvm::GlobalValue::WeakAnyLinkage,
                                         llvm::ConstantAggregateZero::get(type), name);
  table->setSection(kSection);
  table->setAlignment(llvm::Align(64));
  table->setDSOLocal(true);
  return table;
}

// The uses of a number that are alone in their block, each with a copy of its own.
void SinkSingleUses(llvm::Instruction* number, const std::function<llvm::Value*(llvm::IRBuilder<>&)>& copy) {
  llvm::MapVector<llvm::BasicBlock*, std::vector<llvm::Use*>> uses;
  for (llvm::Use& use : number->uses()) {
    auto* user = llvm::cast<llvm::Instruction>(use.getUser());
    uses[user->getParent()].push_back(&use);
  }
  for (const auto& [block, in_block] : uses) {
    auto* user = llvm::cast<llvm::Instruction>(in_block[0]->getUser());
    if (block == number->getParent() || in_block.size() > 1 || llvm::isa<llvm::PHINode>(user)) continue;
    llvm::IRBuilder<> b(user);
    in_block[0]->set(copy(b));
  }
}

}  // namespace

std::string TakeOutNumbers(llvm::Module& module, const TargetRow& row, const std::string& name) {
  const std::vector<NumberUse> uses = FindNumbers(module, row);
  std::string numbers;
  llvm::DenseMap<llvm::Constant*, size_t> offsets;
  for (const NumberUse& use : uses) {
    if (offsets.contains(use.stored)) continue;
    const std::string bytes = BytesOf(*use.stored);
    numbers.resize(llvm::alignTo(numbers.size(), llvm::PowerOf2Ceil(bytes.size())));
    offsets[use.stored] = numbers.size();
    numbers += bytes;
  }
  if (uses.empty()) return numbers;
  llvm::GlobalVariable* table = MakeTable(module, name, numbers.size());
  llvm::DenseMap<std::pair<llvm::Function*, llvm::Constant*>, llvm::Value*> loaded;
  for (const NumberUse& use : uses) {
    llvm::Function* f = use.user()->getFunction();
    llvm::BasicBlock& entry = f->getEntryBlock();
    llvm::IRBuilder<> b(&entry, entry.getFirstNonPHIOrDbgOrAlloca());
    llvm::Value* value = loaded.lookup({f, use.stored});
    if (value == nullptr) {
      llvm::Value* address = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), table, offsets[use.stored]);
      const llvm::Align align(llvm::PowerOf2Ceil(BytesOf(*use.stored).size()));
      llvm::LoadInst* load = b.CreateAlignedLoad(use.stored->getType(), address, align);
      load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(module.getContext(), {}));
      loaded[{f, use.stored}] = value = load;
    }
    if (use.stored != use.number) {
      llvm::Value*& splat = loaded[{f, use.number}];
      const auto* lanes = llvm::cast<llvm::FixedVectorType>(use.number->getType());
      b.SetInsertPoint(llvm::cast<llvm::Instruction>(value)->getNextNode());
      if (splat == nullptr) splat = b.CreateVectorSplat(lanes->getNumElements(), value);
      value = splat;
    }
    use.use->set(value);
  }
  return numbers;
}

// What a block uses once becomes a part of the instruction that uses it. The rest lies where LLVM hoists constants to:
// it loads them again where it runs out of registers.
void PlaceNumbers(llvm::Module& module, const std::string& name) {
  const llvm::GlobalVariable* table = module.getGlobalVariable(name);
  if (table == nullptr) return;
  std::vector<llvm::LoadInst*> loads;
  for (llvm::Function& f : module) {
    if (f.isDeclaration()) continue;
    for (llvm::Instruction& instruction : f.getEntryBlock()) {
      auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction);
      if (load != nullptr && load->getPointerOperand()->stripInBoundsOffsets() == table) loads.push_back(load);
    }
  }
  for (llvm::LoadInst* load : loads) {
    const auto copy = [load](llvm::IRBuilder<>& b) -> llvm::Value* { return b.Insert(load->clone()); };
    for (llvm::User* user : load->users()) {
      llvm::Value* splat = user->hasOneUser() ? *user->user_begin() : user;
      const auto first = m_InsertElt(m_Value(), m_Specific(load), m_ZeroInt());
      if (!match(splat, m_Shuffle(first, m_Value(), m_ZeroMask()))) continue;
      const llvm::ElementCount lanes = llvm::cast<llvm::VectorType>(splat->getType())->getElementCount();
      SinkSingleUses(llvm::cast<llvm::Instruction>(splat),
                     [&](llvm::IRBuilder<>& b) { return b.CreateVectorSplat(lanes, copy(b)); });
    }
    SinkSingleUses(load, copy);
  }
}

Status WriteNumbers(const std::string& numbers, std::string* object) {
  if (numbers.empty()) return OkStatus();
  auto file = llvm::object::ObjectFile::createELFObjectFile({*object, "kernel"});
  if (!file) return Internal("generated code is no object: {}", llvm::toString(file.takeError()));
  for (const llvm::object::SectionRef& section : (*file)->sections()) {
    llvm::Expected<llvm::StringRef> name = section.getName();
    if (!name || *name != kSection) {
      llvm::consumeError(name.takeError());
      continue;
    }
    llvm::Expected<llvm::StringRef> zeros = section.getContents();
    if (!zeros || zeros->size() != numbers.size()) {
      llvm::consumeError(zeros.takeError());
      break;
    }
    object->replace(static_cast<size_t>(zeros->data() - object->data()), numbers.size(), numbers);
    return OkStatus();
  }
  return Internal("generated code has no table of {} bytes for its numbers", numbers.size());
}

}  // namespace belay
