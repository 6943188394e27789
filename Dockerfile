# Fogbell in a container: one process, not root, and a root file system that may be read-only.
#
#   docker build -t fogbell .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --stop-timeout 30 -v fogbell-data:/data \
#     -v "$PWD/fogbell.toml":/etc/fogbell/fogbell.toml:ro --env-file fogbell.env -p 127.0.0.1:8080:8080 fogbell
#
# Inside a container 127.0.0.1 is the container itself, so the console must listen on 0.0.0.0, and there it asks for a token:
# docs/operations.md, "In a container", has the lines for fogbell.toml. compose.yaml starts Fogbell with a store of its own.
FROM python:3.12-slim

WORKDIR /app

# The pinned, hashed requirements first: they change seldom, so this layer is mostly cached.
COPY requirements/build.txt requirements/run.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes \
      -r requirements/build.txt -r requirements/run.txt

COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && rm -rf build fogbell.egg-info

# A number that no host user is likely to have. /data is the only place that is written to, beside /tmp.
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin fogbell \
    && install -d -o fogbell -g fogbell -m 0700 /data \
    && install -d -m 0755 /etc/fogbell

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM

# /healthz needs no token. Where [console] port is another one, give `docker run` a --health-cmd with it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]

# Other commands take the place of `run`: docker run ... fogbell check-config /etc/fogbell/fogbell.toml
ENTRYPOINT ["fogbell"]
CMD ["run", "--config", "/etc/fogbell/fogbell.toml", "--data", "/data"]
