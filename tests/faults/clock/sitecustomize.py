"""Let the clock of a real process jump: CLOCK_FILE holds how many seconds it is ahead.

It is on the path of the portal under test only. The sandbox keeps the real time.
"""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

FILE = os.environ.get("CLOCK_FILE", "")


def follow_file() -> None:
    """Set the clock of this process whenever the number in the file changes."""
    traveller, ahead = None, 0.0
    while True:
        wanted = read_seconds(ahead)
        if wanted != ahead:
            if traveller:
                traveller.stop()
            ahead = wanted
            traveller = time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=ahead), tick=True)
            traveller.start()
        time.sleep(0.1)


def read_seconds(default: float) -> float:
    """Return the number in the file, `default` while it cannot be read."""
    try:
        return float(Path(FILE).read_text() or 0)
    except (OSError, ValueError):
        return default


def start_thread() -> None:
    """Follow the file in a thread. A fork does not copy it, so each child starts its own."""
    threading.Thread(target=follow_file, daemon=True).start()


if FILE and "deployments.sandbox" not in " ".join(sys.orig_argv):
    os.register_at_fork(after_in_child=start_thread)
    start_thread()
