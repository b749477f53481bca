# polygist-server as an image; `make image` builds it with whatever container tool is there.
#   BASE    any Debian with Python 3.11 or newer and its venv module
#   MODELS  starter: the starter models are in the image, which then needs no network;
#           none: an empty /models, to mount a folder of models or to `polygist-server models pull` into
ARG BASE=python:3.11-slim-bookworm
ARG MODELS=starter

FROM ${BASE} AS build
# The secret is pip's own configuration (index, proxy, certificates) where the builder's machine needs one.
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONHASHSEED=0
WORKDIR /build
# binutils for `strip`: wheels carry 90 MB of debugging symbols, the engine's alone 70.
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
COPY deploy/build.lock deploy/requirements.lock ./
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    python3 -m venv /opt/build && python3 -m venv /opt/polygist && \
    /opt/polygist/bin/python -m pip install --quiet --no-compile --no-deps --require-hashes -r requirements.lock && \
    /opt/build/bin/python -m pip install --quiet --require-hashes -r build.lock
COPY . .
RUN /opt/polygist/bin/python -m pip --python /opt/build/bin/python wheel --quiet --no-build-isolation --no-index --no-deps --wheel-dir dist . && \
    /opt/polygist/bin/python -m pip install --quiet --no-compile --no-index --no-deps dist/*.whl
# What packages need only to test themselves, and the symbols.
RUN /opt/polygist/bin/python -m pip uninstall --quiet --yes setuptools && \
    find /opt/polygist/lib -type d -path '*/numpy/*' -name tests -prune -exec rm -r {} + && \
    for package in ctranslate2 yaml; do strip --strip-debug /opt/polygist/lib/python3*/site-packages/$package/*.so; done

FROM build AS models-none
RUN mkdir /models

FROM build AS models-starter
# No pip beyond here: it was needed to fetch the models, and there is nothing left to fetch. Nor links to folders with
# names made up for each pull, by which a model is replaced at once.
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /opt/polygist/bin/polygist-server models --home /models pull starter && \
    /opt/polygist/bin/polygist-server models --home /models verify && \
    for link in /models/models/*; do build=$(readlink -f "$link") && rm "$link" && mv "$build" "$link" || exit 1; done && \
    /opt/polygist/bin/python -m pip uninstall --quiet --yes pip

# hadolint ignore=DL3006
FROM models-${MODELS} AS models
# Compiled at last, and never compared with the time of a source: two builds write the same bytes, whatever the clock.
RUN find /opt/polygist -name __pycache__ -prune -exec rm -r {} + && \
    /opt/polygist/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/polygist/lib && \
    /opt/build/bin/python deploy/sbom.py /opt/polygist/bin/python /models/models > polygist.cdx.json

FROM ${BASE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="polygist" \
      org.opencontainers.image.description="Article summarisation and translation over gRPC" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0 AND MPL-2.0 AND Unicode-3.0"
COPY --from=models /opt/polygist /opt/polygist
COPY --from=models --chown=65532:65532 /models /models
COPY LICENSE NOTICE /usr/share/doc/polygist/
COPY --from=models /build/polygist.cdx.json /usr/share/doc/polygist/
# HOME: the user has no entry in /etc/passwd. MALLOC_ARENA_MAX: glibc would keep an arena for every thread.
ENV PATH=/opt/polygist/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/ \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    POLYGIST_HOME=/models \
    POLYGIST_LISTEN=0.0.0.0:50051 \
    POLYGIST_METRICS_LISTEN=0.0.0.0:9090
# Language identification unpacks its model into a temporary file of 68 MB; a volume is writable beside a read-only root.
VOLUME /tmp
USER 65532:65532
WORKDIR /
EXPOSE 50051 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["polygist", "health"]
# Without TLS, because a container has only its own network: see README.md for certificates.
ENTRYPOINT ["polygist-server"]
CMD ["serve", "--insecure"]
