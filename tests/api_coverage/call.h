// Calls a public function by its symbol with arguments that are null or empty.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <memory>
#include <type_traits>
#include <utility>

#include "exe_graph/runtime/runtime_attrs.h"
#include "exe_graph/runtime/tiling_data.h"
#include "ge/ge_api.h"
#include "graph/inference_context.h"
#include "register/op_impl_registry.h"

namespace belay_test {

enum class CallKind { kFunction, kMethod, kConstructor, kDestructor };

struct ApiCase {
  const char* symbol;
  const char* library;
  const char* name;
  bool refuses;         // by its mark
  bool returns_status;
  bool takes_pointer;   // which is null in the call
  long (*call)(void* function);  // what it returned, where that is a number or an address; else 0
};

template <typename T>
struct IsList : std::false_type {};
template <typename T>
struct IsList<std::initializer_list<T>> : std::true_type {};

ge::CompiledGraphSummary* FreshSummary();  // of a small static graph

// An object in the state that its shortest constructor leaves it in.
template <typename T>
T* Fresh() {
  if constexpr (std::is_same_v<T, ge::Session>) {
    return new T(std::map<ge::AscendString, ge::AscendString>());
  } else if constexpr (std::is_same_v<T, ge::ContinuousTensorList>) {
    return new T(std::vector<ge::TensorDesc>());
  } else if constexpr (std::is_same_v<T, ge::CompiledGraphSummary>) {
    return FreshSummary();
  } else if constexpr (std::is_same_v<T, ge::FeatureMemory>) {
    static ge::FeatureMemoryPtr memory = FreshSummary()->GetAllFeatureMemoryTypeSize().at(0);
    return memory.get();
  } else if constexpr (std::is_same_v<T, ge::InferenceContext>) {
    return T::Create().release();
  } else if constexpr (std::is_same_v<T, ge::TensorType> || std::is_same_v<T, ge::ListTensorType>) {
    return new T(ge::TensorType(ge::DT_FLOAT));
  } else if constexpr (std::is_same_v<T, ge::Promote>) {
    return new T({"T"});
  } else if constexpr (std::is_same_v<T, gert::OpImplRegisterV2>) {
    return new T("NoSuchOperator");
  } else if constexpr (std::is_same_v<T, gert::RuntimeAttrs> || std::is_same_v<T, gert::TilingData>) {
    return static_cast<T*>(::calloc(1, sizeof(T) + 64));  // what programs find in memory that a context holds
  } else if constexpr (IsList<T>::value) {
    static T list;
    return &list;
  } else {
    return new T();
  }
}

// Arguments are never freed: a call may keep what it is given.
template <typename T>
T Empty() {
  using Object = std::remove_cv_t<std::remove_reference_t<T>>;
  if constexpr (std::is_reference_v<T>) {
    return static_cast<T>(*Fresh<Object>());
  } else {
    return T{};
  }
}

template <typename R, typename... A>
long Invoke(R (*function)(A...), A... arguments) {
  if constexpr (std::is_integral_v<R> || std::is_enum_v<R>) {
    return static_cast<long>(function(std::forward<A>(arguments)...));
  } else if constexpr (std::is_pointer_v<R>) {
    return reinterpret_cast<long>(function(std::forward<A>(arguments)...));
  } else {
    function(std::forward<A>(arguments)...);
    return 0;
  }
}

template <typename F, typename Self, CallKind kind>
struct Caller;

template <typename R, typename... A, typename Self, CallKind kind>
struct Caller<R(A...), Self, kind> {
  // The C++ ABI passes `this` as a first argument.
  static long Run(void* function) {
    if constexpr (kind == CallKind::kFunction) {
      return Invoke<R, A...>(reinterpret_cast<R (*)(A...)>(function), Empty<A>()...);
    } else if constexpr (kind == CallKind::kConstructor) {
      void* memory = ::operator new(sizeof(Self));
      return Invoke<R, void*, A...>(reinterpret_cast<R (*)(void*, A...)>(function), memory, Empty<A>()...);
    } else {
      return Invoke<R, Self*, A...>(reinterpret_cast<R (*)(Self*, A...)>(function), Fresh<Self>(), Empty<A>()...);
    }
  }
};

// Variadic C functions get their named arguments only.
template <typename R, typename... A, typename Self, CallKind kind>
struct Caller<R(A..., ...), Self, kind> {
  static long Run(void* function) {
    reinterpret_cast<R (*)(A..., ...)>(function)(Empty<A>()...);
    return 0;
  }
};

template <typename F>
struct Arguments;
template <typename R, typename... A>
struct Arguments<R(A...)> {
  static constexpr bool kHavePointer = (std::is_pointer_v<A> || ...);
};
template <typename R, typename... A>
struct Arguments<R(A..., ...)> : Arguments<R(A...)> {};

template <typename F, typename Self, CallKind kind>
long Call(void* function) {
  return Caller<F, Self, kind>::Run(function);
}

extern const ApiCase kCases[];
extern const size_t kCaseCount;
extern const ApiCase kOldAbiCases[];
extern const size_t kOldAbiCaseCount;

}  // namespace belay_test
