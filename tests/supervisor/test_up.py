"""One command brings everything up on one machine, and takes everything down."""

import os
import signal
import socket

import pytest

from tests.portal_process import PortalProcess, children_of, is_alive, until

pytestmark = pytest.mark.processes


@pytest.fixture
def portal(tmp_path):
    made = PortalProcess(tmp_path / "home")
    yield made
    if hasattr(made, "process"):
        made.stop()


def family(pid):
    """A process's children and theirs."""
    found = children_of(pid)
    return found + [one for child in found for one in family(child)]


def test_a_polite_end_leaves_no_process_and_it_starts_again(portal):
    portal.start()
    everybody = family(portal.process.pid)
    assert set(portal.children()) == {"web", "worker", "beat", "sandbox", "broker"}

    assert portal.stop() == 0

    until(lambda: not any(is_alive(pid) for pid in everybody), seconds=10)
    portal.start()
    assert portal.status("/readyz") == 200


def test_a_killed_supervisor_leaves_no_process_and_it_starts_again_at_once(portal):
    portal.start()
    everybody = family(portal.process.pid)

    portal.stop(signal.SIGKILL)

    until(lambda: not any(is_alive(pid) for pid in everybody), seconds=15)
    portal.start()


@pytest.mark.parametrize("part", ["worker", "beat", "web", "broker", "sandbox"])
def test_a_killed_part_comes_back(portal, part):
    portal.start()
    before = portal.children()[part]

    os.kill(before, signal.SIGKILL)

    until(lambda: portal.children().get(part) not in (None, before), seconds=20)
    until(lambda: portal.status("/readyz") == 200, seconds=40)


@pytest.mark.parametrize("which", ["port", "sandbox_port"])
def test_a_taken_port_is_one_clear_line(tmp_path, which):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        portal = PortalProcess(tmp_path / "home", **{which: taken.getsockname()[1]}).launch()

        assert portal.process.wait(timeout=30) == 1

    assert (
        f"Port {taken.getsockname()[1] if taken.fileno() > 0 else getattr(portal, which)} is taken"
        in portal.said()
    )
    assert len(portal.said().strip().splitlines()) == 1
    assert not children_of(portal.process.pid)


def test_the_same_home_twice_is_one_clear_line(portal):
    portal.start()
    second = PortalProcess(portal.home)
    second.out = portal.home.parent / "second.out"

    assert second.launch().process.wait(timeout=30) == 1

    assert "is running already" in second.said() and len(second.said().strip().splitlines()) == 1
    assert portal.status("/readyz") == 200


def test_without_a_demo_it_begins_at_the_setup_page(tmp_path):
    portal = PortalProcess(tmp_path / "home", demo=False).start()
    try:
        assert "/setup/" in portal.said()
        assert "sandbox" not in portal.children()
        link = portal.said().split("Set up the portal: ")[1].split()[0]
        assert portal.status(link.removeprefix(portal.url)) == 200
    finally:
        portal.stop()
