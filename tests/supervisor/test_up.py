"""One command starts every part on one machine, starts a dead part again, and ends with all of them."""

import os
import signal
import socket

import pytest

from tests.portal_process import WORKERS, PortalProcess, children_of, is_alive, until

pytestmark = pytest.mark.processes


@pytest.fixture
def portal(tmp_path):
    process = PortalProcess(tmp_path / "home")
    yield process
    if hasattr(process, "process"):
        process.stop()


def descendants_of(pid):
    """Return the ids of a process's children and of theirs."""
    children = children_of(pid)
    return children + [one for child in children for one in descendants_of(child)]


def test_a_polite_end_leaves_no_process_and_it_starts_again(portal):
    portal.start()
    descendants = descendants_of(portal.process.pid)
    assert set(portal.children()) == {"web", *WORKERS, "beat", "sandbox", "broker"}

    assert portal.stop() == 0

    until(lambda: not any(is_alive(pid) for pid in descendants), seconds=10)
    portal.start()
    assert portal.status("/readyz") == 200


def test_a_killed_supervisor_leaves_no_process_and_it_starts_again_at_once(portal):
    portal.start()
    descendants = descendants_of(portal.process.pid)
    assert descendants

    portal.stop(signal.SIGKILL)

    until(lambda: not any(is_alive(pid) for pid in descendants), seconds=15)
    portal.start()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Return a portal that runs, of which one part after another is killed."""
    process = PortalProcess(tmp_path_factory.mktemp("running") / "home").start()
    yield process
    process.stop()


@pytest.mark.parametrize("part", [*WORKERS, "beat", "web", "broker", "sandbox"])
def test_a_killed_part_comes_back(running, part):
    before = running.children()

    os.kill(before[part], signal.SIGKILL)

    until(lambda: running.children().get(part) not in (None, before[part]), seconds=20)
    until(lambda: running.status("/readyz") == 200, seconds=40)


@pytest.mark.parametrize("setting", ["port", "sandbox_port"])
def test_a_taken_port_is_one_clear_line(tmp_path, setting):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        portal = PortalProcess(tmp_path / "home", **{setting: port}).launch()

        assert portal.process.wait(timeout=30) == 1

    lines = portal.said().strip().splitlines()
    assert len(lines) == 1
    assert f"Port {port} is taken" in lines[0]
    assert not children_of(portal.process.pid)


def test_a_second_portal_on_the_same_home_is_refused_in_one_clear_line(portal):
    portal.start()
    second = PortalProcess(portal.home)
    second.out = portal.home.parent / "second.out"

    assert second.launch().process.wait(timeout=30) == 1

    lines = second.said().strip().splitlines()
    assert len(lines) == 1
    assert "is running already" in lines[0]
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


def test_nobody_else_on_the_machine_reads_its_files(portal):
    portal.home.mkdir()
    left_open = portal.home / "logs" / "old.log"
    left_open.parent.mkdir()
    left_open.write_text("of an earlier version")
    left_open.chmod(0o644)
    inherited = os.umask(0)  # the most careless shell
    try:
        portal.start()
    finally:
        os.umask(inherited)

    paths = [portal.home, *portal.home.rglob("*")]
    assert {"portal.sqlite3", "portal.sqlite3-wal", "portal_vault_keys", "web.log", "old.log"} <= {
        path.name for path in paths
    }
    assert [path for path in paths if path.exists() and path.stat().st_mode & 0o077] == []
