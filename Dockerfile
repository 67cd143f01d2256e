# One image for every process of Pixelpop; the command says which.
#
# The first stage installs the locked dependencies (every file checked against its hash, wheels
# only, so no compiler is needed); the second holds them, the code, and nothing else.

FROM docker.io/library/python:3.11-slim-bookworm AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY deploy/requirements.lock /tmp/requirements.lock
RUN /opt/venv/bin/pip install --require-hashes --no-deps --only-binary=:all: \
        --requirement /tmp/requirements.lock \
    && /opt/venv/bin/pip uninstall --yes pip setuptools

FROM docker.io/library/python:3.11-slim-bookworm
RUN groupadd --gid 10001 pixelpop \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app pixelpop \
    && install --directory --owner=10001 --group=10001 /var/lib/pixelpop
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /app
COPY pixelpop.py ./
COPY commands/ commands/
COPY events/ events/
COPY gateway/ gateway/
COPY processors/ processors/
COPY projections/ projections/
COPY runtime/ runtime/
COPY schemas/ schemas/
COPY deploy/migrations/ deploy/migrations/
RUN /opt/venv/bin/python -m compileall -q /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIXELPOP_DATA_DIR=/var/lib/pixelpop \
    PIXELPOP_LOG_FORMAT=json
USER 10001:10001
ENTRYPOINT ["python", "-m", "pixelpop"]
CMD ["--help"]
