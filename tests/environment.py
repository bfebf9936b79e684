"""The environment of the tests, set before Django reads its settings: named as a plugin in pyproject.toml."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers import postgresql, valkey

ROOT = Path(__file__).resolve().parent.parent
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

if not IS_WORKER:
    for name in [
        name for name in os.environ if name.startswith(("PORTAL_", "ROBOFLOW_", "SYNC_", "OPERATION_"))
    ]:
        del os.environ[name]
os.environ["PORTAL_HOME"] = tempfile.mkdtemp(prefix="portal-tests-")
os.environ["PORTAL_STATIC_ROOT"] = str(ROOT / "var" / "test-static")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop beside Django's ORM
os.environ["REDIS_URL"] = valkey()
if not IS_WORKER:
    os.environ.pop("DATABASE_URL", None)
    subprocess.run([sys.executable, "manage.py", "prepare_static"], cwd=ROOT, check=True)
    if os.environ.get("TEST_DATABASE") == "postgresql":
        os.environ["DATABASE_URL"] = (
            postgresql()
        )  # the workers inherit the address and make databases of their own
