# Belay: the commands of daily work. Set-up runs by itself; see README.md.
# make run [IMAGE=file.png]   make test   make test-asan [SHORT=1]   make test-tsan [SHORT=1]
# make test-clients   make test-view   make build   make check   make fuzz [MINUTES=10]   make ops-page
# make clean
# make bench [BENCH='--threads 1 resnet50']   make bench-compare BASE=revision [BENCH=...]
# make bench-ops [BENCH='softmax_rows lstm_1_step']: single operators
# make bench-rows [BENCH='--against onednn softmax']: rows of f32 against oneDNN and memcpy
# make bench-kernels [ROWS=amx] [DTYPES=bf16,i8] [BENCH='--gate dw']: kernels by percentage of the machine's peak
# make bench-first-call [BENCH='--batch 6']: the first call at new extents
JOBS ?= $(shell nproc)
# Tests side by side: most have threads of their own.
TEST_JOBS ?= 2
IMAGE ?= examples/read_text/test.png
SHORT ?=
MINUTES ?= 10
ROWS ?= all
DTYPES ?= all
launcher := $(shell command -v ccache)
cmake_flags := -G Ninja $(if $(launcher),-DCMAKE_CXX_COMPILER_LAUNCHER=$(launcher))
# Tests that only compile programs say nothing new under a sanitizer.
only_compile := public_headers|client_|op_classes|api_page
# Kernels on their own: generated code, which no sanitizer sees; `make test` runs them between guard pages. The builders
# of kernels run in ops_cases, too.
kernels_alone := backend_loops_test|contract_test
# Where time is short each quarter of the operators' cases goes through one sanitizer.
with_threads := ops_cases$$
# What is built with a sanitizer.
sanitized := all $(if $(SHORT),,$(subst |, ,$(kernels_alone)))

.PHONY: build run test test-asan test-tsan test-clients test-view check fuzz ops-page bench bench-ops bench-rows bench-kernels bench-first-call bench-compare clean setup
.DEFAULT_GOAL := build

setup:
	@tools/setup

# What a client program needs, without the tests.
install_tree := dist ascendcl graph ge_compiler ge_runner fmk_onnx_parser belay

define configure_and_build
@test -f $(1)/build.ninja || cmake -S . -B $(1) $(cmake_flags) -DBELAY_SANITIZE=$(2)
@ninja -C $(1) -j $(JOBS) $(3)
endef

build: setup
	$(call configure_and_build,build,)

run: setup
	$(call configure_and_build,build,,$(install_tree))
	@$(MAKE) --no-print-directory -C examples/read_text run BUILD=$(CURDIR)/build IMAGE=$(abspath $(IMAGE))

test: build
	@tools/run_tests build -j $(TEST_JOBS)

test-asan: setup
	$(call configure_and_build,build-asan,address,$(sanitized))
	@tools/run_tests build-asan -j $(TEST_JOBS) $(if $(SHORT),--short) --exclude '^($(only_compile)$(if $(SHORT),|$(kernels_alone)|$(with_threads)))'

# SHORT: the tests in which threads meet.
test-tsan: setup
	$(call configure_and_build,build-tsan,thread,$(if $(SHORT),tests_of_threads,$(sanitized)))
	@tools/run_tests build-tsan -j $(TEST_JOBS) $(if $(SHORT),--label threads) --exclude '^($(only_compile))'

# What client programs link: no tests, no other tools.
client_libraries := $(install_tree) acl_op_compiler acl_tdt_channel hccl fmk_parser ascend_protobuf

test-clients: setup
	$(call configure_and_build,build,,$(client_libraries))
	@tests/clients/torch/run.py build/dist "$$(tests/clients/torch/setup)"

# Pages of `belay view` in headless Chromium; screenshots stay in build/view.
test-view: setup
	$(call configure_and_build,build,,$(install_tree))
	@tests/view/setup
	@tools/venv_python tests/view/run.py build/dist/bin/belay build/view

# The operators' table, measured here, and the page made of it.
ops-page: setup
	$(call configure_and_build,build,,op_numbers)
	@build/tests/ops/op_numbers --write data/op_numbers.tsv
	@tools/gen_ops_page.py data/op_numbers.tsv docs/ops.md

# Hostile bytes for the readers of models and hostile graphs for the compiler and the run: MINUTES of CPU time for each.
fuzz: setup
	$(call configure_and_build,build-asan,address,belay_fuzz)
	@tools/fuzz/run build-asan $(MINUTES)

check: setup
	@tools/check

bench: build
	@tools/setup bench
	@BELAY_VENV=bench-venv tools/venv_python bench/run.py build/dist --ledger bench/ledger.tsv $(BENCH)

bench-ops: build
	@tools/setup bench
	@BELAY_VENV=bench-venv tools/venv_python bench/ops.py build/dist $(BENCH)

bench-rows: build
	@tools/setup bench
	@BELAY_VENV=bench-venv tools/venv_python bench/rows.py build/dist $(BENCH)

# Every row of the target table that this machine runs, with the dtypes that it has instructions for.
bench-kernels: setup
	$(call configure_and_build,build,,bench_kernels)
	@build/tests/backend_contract/bench_kernels $(ROWS) $(DTYPES) $(BENCH)

bench-first-call: build
	@tools/setup bench
	@BELAY_VENV=bench-venv tools/venv_python bench/first_call.py build/dist $(BENCH)

bench-compare: build
	@tools/bench_compare $(BASE) $(BENCH)

clean:
	rm -rf build build-asan build-tsan
