"""Set the environment of the tests, as a plugin that pyproject.toml names.

It runs before Django reads its settings. Everything is set before the first import of `portal`, because
`portal/__init__.py` creates the Celery app, which reads the settings, and they are read once.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.portal_process import OURS, ROOT
from tests.servers import postgresql, start_valkey

DATABASES = ("sqlite", "postgresql")
DATABASE = os.environ.setdefault("TEST_DATABASE", "sqlite")  # what the tests say that they run on
# A worker of `pytest -n` inherits what the first process set.
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

if DATABASE not in DATABASES:
    raise SystemExit(f"TEST_DATABASE is {DATABASE!r}: use one of {', '.join(DATABASES)}.")
if not IS_WORKER:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    if DATABASE == "postgresql":
        os.environ["DATABASE_URL"] = postgresql()  # each worker creates a database of its own on this server
os.environ["PORTAL_HOME"] = tempfile.mkdtemp(prefix="portal-tests-")
os.environ["PORTAL_TRAIL_WITNESS"] = "none"  # each test has another trail
os.environ["PORTAL_STATIC_ROOT"] = str(ROOT / "var" / "test-static")
# Playwright's event loop runs in the thread that uses the ORM.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
BROKER_SOCKET = Path(tempfile.mkdtemp(prefix="valkey-")) / "s"
os.environ["REDIS_URL"] = f"redis+socket://{BROKER_SOCKET}"
start_valkey(BROKER_SOCKET)
if not IS_WORKER:
    subprocess.run([sys.executable, "manage.py", "prepare_static"], cwd=ROOT, check=True)
