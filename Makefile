# A front door; CMake and CTest do the work, `make help` names the targets.
BUILD ?= build
SECONDS ?= 60
CI ?=
CPUS := m0 m3 m4
STACK := m0 m4 rv32
WERROR := -DTINYPEFT_WERROR=$(if $(CI),ON,OFF)
# All of our C, formatted and checked; golden files are the compiler's.
SOURCES = $(shell find include core runtime compiler fleet cli ports examples \
    tests bench -name golden -prune -o -name '*.[ch]' -print 2>/dev/null)

.DEFAULT_GOAL := help
# All of them: some have a folder of the same name.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' \
	    Makefile

bootstrap: ## install what is missing (Debian, Ubuntu)
	@scripts/bootstrap

release: bootstrap ## the compiler `tinypeft` and the libraries, -O3, in build/release
	@cmake -S . -B $(BUILD)/release -G Ninja -DCMAKE_BUILD_TYPE=Release \
	    -DCMAKE_C_FLAGS_RELEASE=-O3 -DTINYPEFT_TESTS=OFF $(WERROR) >/dev/null
	@cmake --build $(BUILD)/release

test: bootstrap ## every test, with ASan and UBSan, and under QEMU
	@cmake -S . -B $(BUILD)/test -G Ninja -DCMAKE_BUILD_TYPE=Debug \
	    "-DCMAKE_C_FLAGS_DEBUG=-g -O1" -DTINYPEFT_SANITIZE=ON $(WERROR) \
	    >/dev/null
	@cmake --build $(BUILD)/test
	@scripts/test-summary $(BUILD)/test

check: check-format check-deps check-docs check-device check-analyze check-tidy ## all of it

check-deps: ## includes go down only
	@scripts/check-deps

check-docs: ## documents speak of what exists
	@scripts/check-docs

check-format: ## the layout of the sources
	@$$(scripts/llvm clang-format) --dry-run -Werror $(SOURCES)

check-tidy: ## clang-tidy on every source, or on FILES="..."
	@scripts/tidy $(BUILD)/tidy $(FILES)

check-analyze: ## GCC's static analyser, warnings are errors
	@cmake -S . -B $(BUILD)/analyze -G Ninja -DCMAKE_BUILD_TYPE=Release \
	    -DCMAKE_C_FLAGS_RELEASE=-O2 -DTINYPEFT_ANALYZE=ON \
	    -DTINYPEFT_WERROR=ON -DTINYPEFT_TESTS=OFF >/dev/null
	@cmake --build $(BUILD)/analyze -- -k 0

check-device: $(sort $(CPUS:%=device-%) $(STACK:%=device-%)) ## what the device libraries promise
	@for cpu in $(STACK); do \
	    scripts/check-symbols $(BUILD)/$$cpu/libtinypeft_*.a || exit; done
	@scripts/budgets $(CPUS:%=$(BUILD)/%)
	@scripts/stack-table --check $(STACK:%=$(BUILD)/%)

stack: $(STACK:%=device-%) ## write docs/stack.md anew
	@scripts/stack-table --write $(STACK:%=$(BUILD)/%)

device-%:
	@mkdir -p $(BUILD)
	@scripts/build-device $* $(BUILD)/$* -DTINYPEFT_WERROR=ON

size: $(CPUS:%=device-%) ## flash and stack of the device libraries
	@scripts/budgets --list $(CPUS:%=$(BUILD)/%)

fuzz: bootstrap ## each fuzz target for SECONDS=60
	@scripts/fuzz $(BUILD)/fuzz $(SECONDS)

coverage: bootstrap ## lines of the readers of untrusted bytes that tests run: 95 % at least
	@scripts/coverage $(BUILD)/coverage

fmt: ## lay out the sources
	@$$(scripts/llvm clang-format) -i $(SOURCES)

amalgam: ## the device library in two files, build/amalgam/tinypeft.c and .h
	@scripts/amalgam/amalgam $(BUILD)/amalgam

man: release ## write docs/tinypeft.1 from the help texts
	@scripts/man/man $(BUILD)/release/tinypeft >$(BUILD)/tinypeft.1
	@mv $(BUILD)/tinypeft.1 docs/tinypeft.1

docs: bootstrap ## the documents as a site, with a search, in build/site; needs PyPI once
	@scripts/docs $(BUILD)

picture: demo ## draw docs/overview.svg, README's picture, from what is measured
	@scripts/picture/picture $(BUILD)/release

clean: ## remove what was built
	@rm -rf $(BUILD)

demo: release ## compile, adapt and run a real model
	@scripts/demo $(BUILD)/release

demo-words: release ## the same with a model and voices of our own, without data
	@scripts/demo $(BUILD)/release --words

demo-anomaly: release ## an autoencoder adapts to new machines: what it finds before and after
	@examples/anomaly/anomaly.py $(BUILD)/release $(BUILD)/anomaly

demo-har: release ## people whom the base never saw: table C, trained on the device; PEOPLE=4
	@examples/har/har.py $(BUILD)/release $(BUILD)/har $(if $(PEOPLE),--people $(PEOPLE))

demo-life: release ## drift, training, deltas, rollback on a board whose power goes
	@cmake --build $(BUILD)/release --target tp_cut
	@examples/life/life.py $(BUILD)/release $(BUILD)/life $(if $(CUTS),--cuts $(CUTS))

accuracy: release ## accuracy of every method on real data
	@scripts/accuracy $(BUILD)/release

drift: release ## drift on real data: what is found, how often in vain; SHORT=1
	@scripts/drift $(BUILD)/release

power: bootstrap ## every power cut of the store, and of every pair; planted faults
	@cmake -S . -B $(BUILD)/power -G Ninja -DCMAKE_BUILD_TYPE=Release \
	    -DCMAKE_C_FLAGS_RELEASE=-O2 >/dev/null
	@cmake --build $(BUILD)/power --target power
	@scripts/power $(BUILD)/power/tests/power
	@tests/mutants/run $(BUILD)/mutants store

cost: release ## measure every kernel, make the table of costs anew, print its error
	@mkdir -p $(BUILD)/cost
	@scripts/cost $(BUILD)/release $(BUILD)/cost

bench: release ## instructions of all models on all cores; CI=true: are they as recorded?
	@cmake --build $(BUILD)/release --target tp_count
	@bench/report.py $(BUILD)/release $(BUILD)/bench \
	    $(if $(CI),--check,$(BUILD)/bench.json) bench/RESULTS.md

oracle: release ## random models against TensorFlow Lite Micro and LiteRT; SHORT=1
	@PYTHON=$(or $(PYTHON),python3) scripts/oracle $(BUILD) $(BUILD)/release/tinypeft $(ORACLE)

clean-room: ## demo and tests of a clean clone in an empty Debian, without data; needs root
	@scripts/clean-room $(BUILD)/clean-room

reproducible: ## every generated artefact twice, compared; ZOO=yes: the models, too
	@scripts/reproducible $(BUILD)/reproducible

# Every folder of the zoo has a train.py.
ZOO = $(patsubst zoo/%/train.py,%,$(wildcard zoo/*/train.py))

zoo: release ## train the base models of zoo/ again, from PyPI's TensorFlow; ZOO="words har"
	@python3 -m venv $(BUILD)/zoo-venv
	@$(BUILD)/zoo-venv/bin/pip install -q -r zoo/requirements.txt
	@for model in $(ZOO); do \
	    $(BUILD)/zoo-venv/bin/python zoo/$$model/train.py || \
	    [ $$? -eq 77 ] || exit 1; done
