"""Docker Compose, asked for the portal's project. The command is that of the variable DOCKER."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tests.portal_process import OURS, ROOT

PROJECT = "portal-scaled"
BACK = f"{PROJECT}_back"  # the network between the services
FILES = ("docker-compose.yml", "tests/faults/composed/compose.yml")
LONGEST_SECONDS = 900  # the first build installs all packages


class Engine:
    """A project of Docker Compose with its settings, and what strikes at its containers need."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.docker_command = shlex.split(os.environ.get("DOCKER") or "docker")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environment = {**inherited, **settings}

    def docker(self, *arguments: str) -> str:
        """Run a command of Docker and return what it prints. Raises RuntimeError when it fails."""
        done = subprocess.run(
            [*self.docker_command, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def compose(self, *arguments: str) -> str:
        """Run a command of Docker Compose on the project."""
        files = [part for name in FILES for part in ("--file", name)]
        return self.docker("compose", *files, "--project-name", PROJECT, *arguments)

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py in a container of web."""
        return self.compose("exec", "-T", "web", "python", "manage.py", *arguments)

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers."""
        return self.compose("ps", "--all", "--quiet", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what Docker knows of a container."""
        found: dict[str, Any] = json.loads(self.docker("inspect", container))[0]
        return found

    def pid_of(self, container: str) -> int:
        """Return the process id, on this machine, of a container's first process; 0 when it does not run."""
        return int(self.inspect(container)["State"]["Pid"])

    def address_of(self, service: str) -> str:
        """Return the address of a service's first container in the network between the services."""
        networks = self.inspect(self.containers(service)[0])["NetworkSettings"]["Networks"]
        return str(networks[BACK]["IPAddress"])

    def folder_of(self, volume: str) -> str:
        """Return the folder, on this machine, of a volume of the project."""
        return self.docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{PROJECT}_{volume}").strip()

    def is_running(self, service: str) -> bool:
        """Return whether all containers of a service run."""
        return all(self.pid_of(container) for container in self.containers(service))

    def kill(self, containers: Sequence[str]) -> None:
        """Kill the processes of containers. Unlike after `docker kill`, Docker starts them again."""
        for pid in filter(None, map(self.pid_of, containers)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pause(self, containers: Sequence[str]) -> Callable[[], None]:
        """Stop all processes of containers, until the returned function is called."""
        self.docker("pause", *containers)
        return lambda: self.docker("unpause", *containers) and None

    def cut_off(self, containers: Sequence[str]) -> Callable[[], None]:
        """Take containers out of the network between the services, until the returned function is called."""
        for container in containers:
            self.docker("network", "disconnect", BACK, container)

        def connect() -> None:
            for container in containers:
                self.docker("network", "connect", BACK, container)

        return connect
