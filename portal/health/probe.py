"""A container's health check: `python -I -S probe.py web [PORT]`, or `probe.py worker-act` (beat...).

It starts no Django and imports next to nothing, because it runs every ten seconds in every container: exit
code 0 says that the web process answers /healthz, or that the part touched its pulse file lately.
"""

import os
import socket
import sys
import time

LATE_SECONDS = 17
FOLDER = os.environ.get("PORTAL_PULSE_FOLDER") or os.path.join(os.environ.get("PORTAL_HOME", "var"), "pulse")


def web_answers(port: int) -> bool:
    """Return whether the web process on this host answers /healthz with 200 within 5 s."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def has_pulse(part: str) -> bool:
    """Return whether `part` touched its file within LATE_SECONDS."""
    try:
        age = time.time() - os.stat(os.path.join(FOLDER, part)).st_mtime
    except OSError:
        return False
    return -LATE_SECONDS < age <= LATE_SECONDS


def main(part: str, port: int = 8000) -> int:
    """Return the exit code, and say on standard error what is wrong."""
    if part == "web":
        is_well, text = web_answers(port), "web does not answer"
    else:
        is_well, text = has_pulse(part), f"{part} was not seen lately"
    if not is_well:
        print(text, file=sys.stderr)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:3])))
