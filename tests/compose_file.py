"""docker-compose.yml as Docker Compose understands it, with the settings of a file and no others."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.portal_process import OURS, ROOT

NEEDED = "docker compose is needed: apt-get install docker.io docker-compose-v2 (no engine has to run)"


def compose_project(env_file: Path | None = None) -> dict[str, Any]:
    """Return services, networks and volumes; `env_file` takes the place of `.env`."""
    assert shutil.which("docker"), NEEDED
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    told = subprocess.run(
        ["docker", "compose", "--env-file", str(env_file or os.devnull), "config", "--format", "json"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stderr == ""
    project: dict[str, Any] = json.loads(told.stdout)
    return project
