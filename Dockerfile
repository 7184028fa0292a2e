# The service as an image: `make image` builds it. Targets: `runtime`, the default, and `dev`, which reloads or debugs.
# Where builds must repeat, PYTHON_IMAGE takes a digest: docker.io/library/python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

# What both images stand on: no pip to install with, no program that runs with more rights than its caller has, and the
# standard library as bytecode, which the official image leaves to a first start: 80 ms of each under a read-only root.
FROM ${PYTHON_IMAGE} AS base
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip* \
        /usr/share/python-wheels \
    && python -m compileall -q --invalidation-mode unchecked-hash -x '/(idlelib|lib2to3|test|tkinter|turtledemo)/' \
        /usr/local/lib/python3*
# glibc returns blocks of this size or more to the system when they are freed. By default it raises the threshold after
# the first password hash (20 MiB) and keeps such blocks.
ENV PATH=/opt/slipway/bin:/srv/slipway/bin:$PATH \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLIPWAY_HTTP__HOST=0.0.0.0 \
    SLIPWAY_METRICS__HOST=0.0.0.0
EXPOSE 8000 9464
STOPSIGNAL SIGTERM
# No HEALTHCHECK: Kubernetes ignores it and asks /livez, /readyz and /startupz itself.
ENTRYPOINT ["slipway"]

# /opt/slipway: the dependencies; /srv/slipway: the service; /opt/development: what only `dev` adds.
FROM ${PYTHON_IMAGE} AS build
# Extras of pyproject.toml, by a space: brokers, documents, files. `release` is for the operator's machine.
ARG EXTRAS=""
# Bytecode that is never compared with its source: equal in every build, and a read-only root need not refresh it.
ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON=/opt/slipway/bin/python
WORKDIR /build
COPY requirements/ requirements/
RUN python -m pip install --quiet --no-cache-dir --root-user-action=ignore --no-deps --require-hashes -r requirements/bootstrap.txt \
    && python -m venv --without-pip /opt/slipway
RUN --mount=type=cache,target=/root/.cache \
    set -e -- --requirements requirements/core.txt; \
    for extra in $EXTRAS; do \
        case $extra in \
            brokers | documents | files) set -- "$@" --requirements "requirements/$extra.txt" ;; \
            *) echo "EXTRAS takes brokers, documents and files, not $extra" >&2; exit 1 ;; \
        esac; \
    done; \
    uv pip install --no-deps --no-build --require-hashes "$@"; \
    find /opt/slipway/lib -type d -name tests -prune -exec rm -r {} +; \
    rm /opt/slipway/.lock /opt/slipway/bin/[Aa]ctivate*
RUN --mount=type=cache,target=/root/.cache \
    awk '/^[a-z]/ { wanted = /^watchfiles==/ } wanted' requirements/dev.txt >reload.txt \
    && uv pip install --no-deps --no-build --require-hashes --target /opt/development \
        --requirements reload.txt --requirements requirements/debug.txt
COPY pyproject.toml README.md LICENSE ./
COPY app/ app/
RUN --mount=type=cache,target=/root/.cache \
    uv pip install --no-deps --target /srv/slipway . && rm /srv/slipway/.lock

# For `skaffold dev`: the code lies where files may be copied over it, and the server starts anew when they are.
FROM base AS dev
COPY --from=build /opt/slipway /opt/slipway
COPY --from=build /opt/development /opt/development
COPY --from=build /srv/slipway/bin /srv/slipway/bin
ENV PYTHONPATH=/live:/opt/development
WORKDIR /live
COPY --chown=10001:10001 app/ app/
USER 10001:10001
CMD ["serve", "--reload"]

FROM base AS runtime
COPY --from=build /opt/slipway /opt/slipway
COPY --from=build /srv/slipway /srv/slipway
ENV PYTHONPATH=/srv/slipway
WORKDIR /srv/slipway
USER 10001:10001
CMD ["serve"]
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="slipway" \
    org.opencontainers.image.description="A FastAPI service from source to a Kubernetes release that holds its SLO" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
ENV SLIPWAY_SERVICE__VERSION=${VERSION} \
    SLIPWAY_SERVICE__REVISION=${REVISION}
