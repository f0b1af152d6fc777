# One wheel out of Go, C++ and Python.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help hello test wheel bench lint deps deps-hello deps-test deps-bench

# deps.sh puts a Go there where the machine has none that is recent enough.
export PATH := $(CURDIR)/build/go/go/bin:$(PATH)
export GOTOOLCHAIN := local

VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' pylcc/_identity.py)
WHEEL := dist/coolbpf-$(VERSION)-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.whl
NATIVE := build/native
STAMPS := build/stamps
CLANG := core/compile/clang
GO_FILES := $(shell find capi core -type f ! -name '*_test.go' ! -path '*/testdata/*' ! -path '$(CLANG)/*')
PYTHON_FILES := $(shell find pylcc -name native -prune -o -type f \( -name '*.py*' -o -name py.typed \) ! -name '*.pyc' -print)

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

hello: deps-hello wheel ## build all, run guide/hello.py on a kernel with kprobes, show what it prints
	@tests/hello.sh

test: deps-test wheel ## Go tests, Python tests on the built wheel, real kernels in virtual machines (KERNELS, PYTHONS, STRICT)
	@tests/run.sh

wheel: $(WHEEL) ## build dist/coolbpf-*.whl: pylcc, liblcc.so, the compiler and its headers

bench: deps-bench wheel ## speed and memory beside BCC and a C program on libbpf (PYTHONS, ROUNDS)
	@tests/bench/run.sh

lint: deps ## gofmt, go vet, Python syntax from the oldest to the newest Python, shell syntax
	@tests/build/lint.sh

deps:
	@tests/build/deps.sh wheel
deps-hello deps-test deps-bench: deps-%:
	@tests/build/deps.sh wheel $*

$(WHEEL): setup.py README.md LICENSE $(PYTHON_FILES) $(NATIVE)/liblcc.so $(STAMPS)/clang $(STAMPS)/headers | deps
	@echo "wheel: pack $@"
	@rm -rf build/lib.* build/bdist.* build/egg dist/coolbpf-*.whl && mkdir -p build/egg
	@build/venv/bin/python setup.py -q egg_info --egg-base build/egg bdist_wheel 2>build/wheel.log || { cat build/wheel.log >&2; exit 1; }
	@ls -lh $@ | awk '{ print "wheel: " $$5 "B" }'

$(NATIVE)/liblcc.so: $(GO_FILES) go.mod go.sum tests/build/library.sh | deps
	@echo "wheel: build liblcc.so"
	@tests/build/library.sh $(NATIVE)

# Without LLVM's static libraries the wheel is built all the same; where they come later, what was
# left out is made then.
LLVM := /usr/lib/llvm-19/lib/libclangDriver.a
LEFT_OUT := $(and $(wildcard $(LLVM)),$(if $(wildcard $(NATIVE)/bpf-clang),,FORCE))

$(STAMPS)/clang: $(CLANG)/bpf-clang.cpp $(CLANG)/build.sh $(LEFT_OUT) | deps
	@mkdir -p $(@D)
	@if [ -f $(LLVM) ]; then \
		echo "wheel: link bpf-clang" && $(CLANG)/build.sh $(NATIVE); \
	else \
		rm -rf $(NATIVE)/bpf-clang $(NATIVE)/licences/bpf-clang; \
		echo "wheel: NO COMPILER IN IT: LLVM 19's static libraries are not here (libclang-19-dev llvm-19-dev)"; \
	fi
	@touch $@

$(STAMPS)/headers: $(CLANG)/headers.sh $(LEFT_OUT) | deps
	@mkdir -p $(@D)
	@$(CLANG)/headers.sh $(NATIVE)
	@touch $@

.PHONY: FORCE
FORCE:
