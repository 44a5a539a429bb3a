# The image of Shadowboard: server, worker and every other command. How to run it: docs/install.md, compose.yaml.
#
# Pinned by version. To pin the very bytes as well, append the digest that your registry gives for the tag:
#   docker buildx imagetools inspect python:3.13.15-slim-trixie
ARG PYTHON=python:3.13.15-slim-trixie

FROM ${PYTHON} AS build
WORKDIR /src
COPY requirements.txt ./
# No pip in what is shipped; and wheels only, so that nobody else's code runs while the image is built.
RUN python -m venv --without-pip /opt/shadowboard \
    && pip --python /opt/shadowboard/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
        -r requirements.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY shadowboard shadowboard
COPY worker worker
COPY server server
COPY templates templates
COPY static static
# Then what only the building needed goes.
RUN pip --python /opt/shadowboard/bin/python install --no-cache-dir --no-deps --no-build-isolation . \
    && pip --python /opt/shadowboard/bin/python uninstall --yes \
        editables hatchling pathspec pluggy tomlkit trove-classifiers

FROM ${PYTHON}
LABEL org.opencontainers.image.title="Shadowboard" \
    org.opencontainers.image.licenses="Apache-2.0"
# A number of its own, so that the files of a volume belong to the same user in every image.
RUN groupadd --gid 10001 shadowboard \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin shadowboard \
    && install --directory --owner 10001 --group 10001 --mode 0750 /data
COPY --from=build /opt/shadowboard /opt/shadowboard
# All that is ever written is in /data: the rest may be read-only, /tmp too.
ENV PATH=/opt/shadowboard/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data \
    TMPDIR=/data \
    SHADOWBOARD_HOME=/data \
    SHADOWBOARD_HOST=0.0.0.0 \
    SHADOWBOARD_PORT=8000
WORKDIR /data
VOLUME /data
EXPOSE 8000
USER 10001:10001
# The server's own answer, without a shell; only a server has it, so a worker's container switches it off.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os; from http.client import HTTPConnection as H; h = H('127.0.0.1', int(os.environ['SHADOWBOARD_PORT']), timeout=4); h.request('GET', '/healthz'); raise SystemExit(h.getresponse().status != 200)"]
ENTRYPOINT ["shadowboard"]
# Server and worker in one container. Others can reach it, so it starts with a SHADOWBOARD_TOKEN only.
CMD ["up"]
