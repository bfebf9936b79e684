"""The portal as Docker Compose runs it, as a campaign sees it: forms, what is true, and rest."""

import itertools
import signal
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.faults.composed.engine import Engine
from tests.faults.database import Heal, Postgres
from tests.faults.running_portal import SHORT, RunningPortal
from tests.portal_process import PortalProcess, free_port, until

REPLICAS = 2  # of web, and of each worker
SCALED = ("web", "worker-act", "worker-read", "worker-tick")
NETWORK = "10.203.117"
READY_SECONDS = 240
DROP = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = 'portal'"""


class ComposedPostgres(Postgres):
    """The server of the service `postgres`, as its superuser sees it from this machine."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self._address, self._password = engine, "", ""

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        """Return a connection beside those of the portal. A container that came back may have moved."""
        try:
            return self._connect()
        except psycopg.OperationalError:
            self._address = ""
            return self._connect()

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        try:
            self._password = self._password or self.engine.compose(
                "exec", "-T", "postgres", "cat", "/secrets/postgres_superuser_password"
            )
            self._address = self._address or self.engine.address_of("postgres")
        except RuntimeError as error:
            raise psycopg.OperationalError(str(error)) from None
        return psycopg.connect(
            host=self._address,
            user="postgres",
            password=self._password.strip(),
            dbname="portal",
            row_factory=dict_row,
            connect_timeout=5,
            autocommit=True,
        )

    def folders(self) -> list[Path]:
        """Return the folders of the server's files and of Redis's."""
        return [Path(self.engine.folder_of(volume)) for volume in ("postgres", "redis")]

    def dropped(self) -> None:
        """End every connection of the portal."""
        with self.connect() as database:
            database.execute(DROP)

    def killed(self) -> Heal:
        """Kill the whole server. Docker starts it again; the returned function waits for that."""
        self.engine.kill(self.engine.containers("postgres"))
        return lambda: until(self.is_answering, seconds=60)

    def stopped(self) -> Heal:
        """Stop the whole server, until the returned function is called."""
        return self.engine.pause(self.engine.containers("postgres"))

    def stop(self) -> None:
        """Do nothing: the server ends with the project."""


class ComposedProcess(PortalProcess):
    """All services, with as many `replicas` of each of SCALED. Each web container has a port of its own."""

    def __init__(self, home: Path, replicas: int, **settings: str) -> None:
        self.replicas = replicas
        first = free_port()
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.sandbox_port = home, free_port()
        self.ports = range(first, first + replicas)
        self._next_port = itertools.cycle(self.ports)
        self.engine = Engine(
            {
                **settings,
                "PORTAL_NETWORK": NETWORK,
                "PORTAL_PORT": f"{self.ports[0]}-{self.ports[-1]}",
                "PORTAL_BASE_URL": f"http://localhost:{first}",
                "SANDBOX_PORT": str(self.sandbox_port),
                "ROBOFLOW_DEPLOYMENTS_URL": "http://sandbox:9100",
                "ROBOFLOW_API_URL": "http://sandbox:9100",
            }
        )

    @property
    def url(self) -> str:  # type: ignore[override]
        """Return the address of a web container: of the next one, each time."""
        return f"http://localhost:{next(self._next_port)}"

    @property
    def out(self) -> Path:  # type: ignore[override]
        """Return a file with what the services of the portal have written to their logs."""
        services = ("init", *SCALED, "beat", "redis", "postgres")
        path = self.home / "services.log"
        path.write_text(self.engine.compose("logs", "--no-color", *services))
        return path

    def start(self, *, seconds: float = READY_SECONDS) -> "ComposedProcess":
        """Build, start everything, wait until every web container says that all is ready, and add people."""
        self.stop()  # what a campaign that was killed has left
        scales = [part for name in SCALED for part in ("--scale", f"{name}={self.replicas}")]
        self.engine.compose("up", "--detach", "--build", *scales)
        until(self.is_ready, seconds=seconds)
        self.engine.manage("seed_demo")
        return self

    def is_ready(self) -> bool:
        """Return whether every web container says that all is ready."""
        return all(self.status("/readyz") == 200 for _ in self.ports)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Remove containers, networks and volumes."""
        self.engine.compose("down", "--volumes", "--remove-orphans")
        return 0

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py in a web container; a failure has the code 1."""
        try:
            return subprocess.CompletedProcess(arguments, 0, self.engine.manage(*arguments), "")
        except RuntimeError as error:
            return subprocess.CompletedProcess(arguments, 1, "", str(error))


class ComposedPortal(RunningPortal):
    """The portal under test, in the containers of docker-compose.yml."""

    replicas = REPLICAS

    def use_machine(self, home: Path, **ports: int) -> None:
        """Name the services, which do not run yet."""
        self.process = ComposedProcess(home, self.replicas, **SHORT, **self.environment)
        self.engine = self.process.engine
        self.database = ComposedPostgres(self.engine)
        self.roboflow_url = f"http://127.0.0.1:{self.process.sandbox_port}"

    def sign_in(self) -> None:
        """Sign in the people, once the first list is read. They use different web containers."""
        until(lambda: len(self.changeable()) > 0, seconds=60)
        super().sign_in()

    def stop(self) -> None:
        """Remove everything that the project has made."""
        self.process.stop()
