"""Notice when the machine itself stood still, or its clock jumped: what a campaign then sees is no fault."""

import threading
import time

EVERY = 0.1  # seconds
LONGEST_SLEEP = 2.0  # a busy machine wakes a thread later than asked, but not by as much
LARGEST_STEP = 0.5  # between the wall clock and the monotonic one


class MachineWatch:
    """A thread that sleeps briefly, again and again, and keeps what was wrong with the time in between."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self) -> None:
        """Compare the clocks for ever."""
        wall, monotonic = time.time(), time.monotonic()
        while True:
            time.sleep(EVERY)
            new_wall, new_monotonic = time.time(), time.monotonic()
            slept, step = new_monotonic - monotonic, (new_wall - wall) - (new_monotonic - monotonic)
            if slept > LONGEST_SLEEP:
                self.seen.append(f"the machine stood still for {slept:.1f} s")
            if abs(step) > LARGEST_STEP:
                self.seen.append(f"the machine's clock jumped by {step:.1f} s")
            wall, monotonic = new_wall, new_monotonic

    def take(self) -> list[str]:
        """Return what was seen since the last call."""
        seen, self.seen = self.seen, []
        return seen
