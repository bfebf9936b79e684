"""A child that dies is started again, later each time; the end of all reaches what they started."""

import sys
import time

import pytest

from portal.supervisor.children import BACK_OFF, STEADY_SECONDS, Child, stop_all
from tests.portal_process import is_alive, until

PROGRAM = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def make_child(tmp_path):
    """Return a function that makes a child from a program; the children are stopped at the end."""
    children = []

    def make(program):
        child = Child("part", [sys.executable, "-c", program], {}, tmp_path / "part.log")
        children.append(child)
        return child

    yield make
    stop_all(children, seconds=1)


def test_a_dead_child_is_started_again_after_its_back_off(make_child):
    child = make_child("raise SystemExit(3)")
    child.start()
    until(child.has_died, seconds=10)

    line = child.revive()
    child.revive()

    assert "part ended (3)" in line
    assert BACK_OFF[0] == 0
    assert child.process is not None


def test_a_child_that_dies_again_waits_longer(make_child):
    child = make_child("raise SystemExit(3)")
    child.deaths = 2
    child.start()
    until(child.has_died, seconds=10)

    line = child.revive()
    child.revive()

    assert f"in {BACK_OFF[2]} s" in line
    assert child.process is None  # its turn has not come


def test_the_deaths_of_a_child_that_lived_long_are_forgotten(make_child):
    child = make_child("raise SystemExit(3)")
    child.deaths = 4
    child.start()
    until(child.has_died, seconds=10)
    child.started = time.monotonic() - STEADY_SECONDS - 1

    child.revive()

    assert child.deaths == 1


def test_the_end_reaches_what_a_child_has_started(make_child):
    child = make_child(PROGRAM)
    child.start()
    until(lambda: child.tail().isdigit(), seconds=10)
    grandchild = int(child.tail())
    assert is_alive(grandchild)

    stop_all([child], seconds=5)

    assert child.has_died()
    until(lambda: not is_alive(grandchild), seconds=5)
