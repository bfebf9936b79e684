ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS packages
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM ${PYTHON_IMAGE}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PORTAL_HOME=/var/lib/portal PORTAL_STATIC_ROOT=/app/collected PORTAL_LOG_FORMAT=json \
    PORTAL_PULSE_FOLDER=/tmp/pulse
WORKDIR /app
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/portal --shell /usr/sbin/nologin portal \
    && install -d -o portal -g portal -m 0755 /var/lib/portal /var/lib/portal/secrets /var/lib/portal/handed-out \
    && cd /var/lib/portal/handed-out \
    && install -d -o portal -g portal -m 0755 web worker-act worker-read worker-tick beat init roles redis postgres
COPY --from=packages /venv /venv
COPY manage.py ./
COPY portal portal
COPY deployments deployments
COPY templates templates
COPY static static
# Settings ask for secrets; the ones made here stay in this one layer's /tmp and are removed with it.
RUN python -m compileall -q portal deployments && PORTAL_HOME=/tmp/build python manage.py prepare_static && chmod -R a+rX collected \
    && rm -rf /tmp/build
USER portal
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi:application", "--config", "python:portal.supervisor.gunicorn", "--bind", "0.0.0.0:8000", \
     "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--max-requests", "20000", "--max-requests-jitter", "2000"]
