# Build functions of Belay; nothing else in the tree knows a compiler flag.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(JPEG REQUIRED)
find_package(GTest REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(LLVM_CONFIG llvm-config-19 REQUIRED)
execute_process(COMMAND ${LLVM_CONFIG} --includedir OUTPUT_VARIABLE LLVM_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${LLVM_CONFIG} --libdir OUTPUT_VARIABLE LLVM_LIBDIR OUTPUT_STRIP_TRAILING_WHITESPACE)
find_library(LLVM_LIBRARY NAMES LLVM-19 HINTS ${LLVM_LIBDIR} REQUIRED)

set(BELAY_DIST ${CMAKE_BINARY_DIR}/dist)
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -fno-strict-aliasing)
# -Og: compiling takes longer than the tests do, and half as long as with -O1.
if(BELAY_SANITIZE STREQUAL "address")
  # The address sanitizer finds null pointers and objects that are too small; with vptr they are a tenth of compiling.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=null,vptr,object-size -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer -g1 -Og)
  add_link_options(-fsanitize=address,undefined)
elseif(BELAY_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -g1 -Og)
  add_link_options(-fsanitize=thread)
endif()

# Reading headers takes two thirds of a small file's time: some eight files of a folder compile as one. Names choose the
# groups, so that a new file, which may not repeat the names of its neighbours, moves no other. -DCMAKE_UNITY_BUILD=OFF
# keeps files apart.
if(NOT DEFINED CMAKE_UNITY_BUILD)
  set(CMAKE_UNITY_BUILD ON)
endif()
function(belay_compile_folders_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  foreach(source ${ARGN})
    get_filename_component(folder ${source} DIRECTORY)
    string(REPLACE "${CMAKE_SOURCE_DIR}/" "" folder "${folder}")
    string(MAKE_C_IDENTIFIER "${folder}" group)
    list(APPEND groups ${group})
    list(APPEND files_in_${group} ${source})
  endforeach()
  list(REMOVE_DUPLICATES groups)
  foreach(group ${groups})
    list(LENGTH files_in_${group} count)
    set(parts 1)
    while(count GREATER 8)
      math(EXPR parts "${parts} * 2")
      math(EXPR count "(${count} + 1) / 2")
    endwhile()
    foreach(source ${files_in_${group}})
      get_filename_component(name ${source} NAME)
      string(SHA1 hash ${name})
      string(SUBSTRING ${hash} 0 4 hash)
      math(EXPR part "0x${hash} % ${parts}")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group}_${part})
    endforeach()
  endforeach()
endfunction()

# A shared library in dist/lib64 with RUNPATH $ORIGIN; its exports are what cmake/exports/<name>.map lists.
function(belay_library name)
  add_library(${name} SHARED ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
  target_include_directories(${name} SYSTEM PRIVATE ${LLVM_INCLUDE})
  belay_compile_folders_together(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${BELAY_DIST}/lib64
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
  set(map ${CMAKE_SOURCE_DIR}/cmake/exports/${name}.map)
  if(EXISTS ${map})
    target_link_options(${name} PRIVATE -Wl,--version-script=${map})
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${map})
  endif()
  # Kernels on disk are keyed by it.
  target_link_options(${name} PRIVATE -Wl,--build-id)
  if(NOT BELAY_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()

# Sources that compile one loop for vectors of several widths, all with the same bytes as result.
function(belay_loops_over_vectors)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O3;-ffp-contract=off;-Wno-psabi")
endfunction()

# BELAY_REPORT counts the calls of public functions: the compiler calls src/api/usage_hooks.cc at the entry of each. The
# engine's own functions and what headers of other projects bring are left out.
set(BELAY_COUNT_CALLS)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(BELAY_COUNT_CALLS -finstrument-functions -finstrument-functions-exclude-file-list=.h,/usr/include,/usr/lib
    -finstrument-functions-exclude-function-list=belay::)
endif()
add_library(belay_usage_hooks OBJECT src/api/usage_hooks.cc)
target_include_directories(belay_usage_hooks PRIVATE src)

# A library under one of CANN's names: belay_api_library(<name> <folder> USES <sources elsewhere> DEPENDS <targets>)
function(belay_api_library name folder)
  cmake_parse_arguments(arg "" "" "USES;DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  if(NOT sources)
    file(WRITE ${CMAKE_BINARY_DIR}/generated/empty_${name}.cc "")
    set(sources ${CMAKE_BINARY_DIR}/generated/empty_${name}.cc)
  endif()
  belay_library(${name} ${sources} ${arg_USES})
  # Before src/: "graph/graph.h" is CANN's here, and the engine's everywhere else.
  target_include_directories(${name} BEFORE PRIVATE ${CMAKE_SOURCE_DIR}/include)
  # Functions with a std::string in their signature stand in *_both_abis.cc, compiled once for each.
  file(GLOB both CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*_both_abis.cc)
  if(both)
    add_library(${name}_old_abi OBJECT ${both})
    target_include_directories(${name}_old_abi PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
    target_compile_definitions(${name}_old_abi PRIVATE _GLIBCXX_USE_CXX11_ABI=0)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${name}_old_abi>)
    target_compile_options(${name}_old_abi PRIVATE ${BELAY_COUNT_CALLS})
  endif()
  if(belay_engine IN_LIST arg_DEPENDS)
    target_compile_options(${name} PRIVATE ${BELAY_COUNT_CALLS})
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:belay_usage_hooks>)
  endif()
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} fmt::fmt Threads::Threads ${CMAKE_DL_LIBS})
  # Clients find indirect dependencies by name, so keep them NEEDED even where nothing is called.
  target_link_options(${name} PRIVATE -Wl,--no-as-needed)
endfunction()

# Sources made from tables: the op registry (from src/ops), the prototype table (from data/ops), the option table.
function(belay_generated_sources out)
  set(dir ${CMAKE_BINARY_DIR}/generated)
  file(GLOB_RECURSE op_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/ops/*.cc)
  file(GLOB_RECURSE op_tables CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/ops/*.tsv)
  add_custom_command(OUTPUT ${dir}/op_registry.cc
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/gen_op_registry.py ${CMAKE_SOURCE_DIR}/src/ops ${dir}/op_registry.cc
    DEPENDS ${op_files} ${CMAKE_SOURCE_DIR}/tools/gen_op_registry.py)
  add_custom_command(OUTPUT ${dir}/op_prototypes.cc
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/gen_op_prototypes.py ${CMAKE_SOURCE_DIR}/data/ops ${dir}/op_prototypes.cc
    DEPENDS ${op_tables} ${CMAKE_SOURCE_DIR}/tools/gen_op_prototypes.py ${CMAKE_SOURCE_DIR}/tools/op_tables.py)
  add_custom_command(OUTPUT ${dir}/options.cc
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/gen_options.py ${CMAKE_SOURCE_DIR}/data/options.tsv ${dir}/options.cc
    DEPENDS ${CMAKE_SOURCE_DIR}/data/options.tsv ${CMAKE_SOURCE_DIR}/tools/gen_options.py)
  set(${out} ${dir}/op_registry.cc ${dir}/op_prototypes.cc ${dir}/options.cc PARENT_SCOPE)
endfunction()

# The install tree under build/dist, laid out like CANN's toolkit.
function(belay_install_tree)
  set(stamp ${CMAKE_BINARY_DIR}/dist.stamp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/*)
  file(GLOB op_tables CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/ops/*.tsv)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/make_dist.py ${CMAKE_SOURCE_DIR} ${BELAY_DIST}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${headers} ${op_tables} ${CMAKE_SOURCE_DIR}/tools/make_dist.py
      ${CMAKE_SOURCE_DIR}/tools/gen_op_headers.py ${CMAKE_SOURCE_DIR}/tools/op_tables.py)
  add_custom_target(dist ALL DEPENDS ${stamp})
endfunction()

# A program of tools/ in dist/bin.
function(belay_tool name)
  add_executable(${name} ${ARGN})
  belay_compile_folders_together(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${BELAY_DIST}/bin
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/../lib64")
  target_link_libraries(${name} PRIVATE fmt::fmt Threads::Threads)
endfunction()

# What tests are compiled with. They see src/ and the public headers.
function(belay_test_settings name)
  # Compiling takes longer than they run; undefined behaviour is looked for in what they test.
  target_compile_options(${name} PRIVATE -Og $<$<STREQUAL:${BELAY_SANITIZE},address>:-fno-sanitize=undefined>)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests
    ${CMAKE_BINARY_DIR}/generated ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/include/graph
    ${BELAY_DIST}/opp/built-in/op_proto/inc)
  target_include_directories(${name} SYSTEM PRIVATE ${LLVM_INCLUDE})
  target_compile_definitions(${name} PRIVATE BELAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}" BELAY_DIST_DIR="${BELAY_DIST}")
  add_dependencies(${name} dist)
endfunction()

# What several tests share, compiled once: belay_test_library(<name> <sources>)
function(belay_test_library name)
  add_library(${name} STATIC ${ARGN})
  belay_compile_folders_together(${name} ${ARGN})
  belay_test_settings(${name})
endfunction()

# A GoogleTest program: belay_test(<name> [THREADS] SOURCES ... LIBS ...). THREADS: threads of its own, or of what it
# tests, meet in it, so that it is built and run with the thread sanitizer even where time is short.
add_custom_target(tests_of_threads)
function(belay_test name)
  cmake_parse_arguments(arg "THREADS" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  belay_compile_folders_together(${name} ${arg_SOURCES})
  belay_test_settings(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest GTest::gtest_main fmt::fmt Threads::Threads ${CMAKE_DL_LIBS})
  add_test(NAME ${name} COMMAND ${name})
  if(arg_THREADS)
    set_tests_properties(${name} PROPERTIES LABELS threads)
    add_dependencies(tests_of_threads ${name})
  endif()
endfunction()

# With a sanitizer, the test is only built where it is asked for by name.
function(belay_leave_out_of_sanitized test)
  if(BELAY_SANITIZE)
    set_target_properties(${test} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()
