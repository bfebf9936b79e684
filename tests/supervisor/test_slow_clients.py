"""Slow clients of the whole portal as it runs: pages, health and people do not notice them."""

import http.client
import os
import signal
import socket
import time
from itertools import pairwise

import pytest

from tests.portal_process import PortalProcess, until

pytestmark = pytest.mark.processes
MANY = 60


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    process = PortalProcess(tmp_path_factory.mktemp("slow") / "home").start()
    yield process
    process.stop()


def connect(portal, begin):
    one = socket.create_connection(("127.0.0.1", portal.port), timeout=5)
    one.sendall(begin)
    return one


def unfinished(portal, *, kind):
    """Return many connections whose requests never end."""
    host = f"Host: localhost:{portal.port}\r\n"
    begin = f"GET / HTTP/1.1\r\n{host}"
    if kind == "body":
        begin = f"POST /accounts/login/ HTTP/1.1\r\n{host}Content-Length: 1000000\r\n\r\n"
    return [connect(portal, begin.encode()) for _ in range(MANY)]


def is_open(one, drip):
    """Send a little, and return whether the other side still listens."""
    one.settimeout(0.01)
    try:
        one.sendall(drip)
        return one.recv(1000) is None
    except TimeoutError:
        return True
    except OSError:
        return False


def seconds_of(portal, path):
    """Return how long a page takes, which must be answered with 200."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("localhost", portal.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200
    return time.monotonic() - started


def test_sixty_unfinished_heads_and_sixty_bodies_disturb_nobody_and_end_at_their_deadlines(portal, settings):
    assert seconds_of(portal, "/accounts/login/") < 5  # warm
    started = time.monotonic()
    waiting = {"head": unfinished(portal, kind="head"), "body": unfinished(portal, kind="body")}
    drips, ended, slowest = {"head": b"X-A: b\r\n", "body": b"x"}, {}, 0.0

    while any(waiting.values()) and time.monotonic() - started < 60:
        for kind, left in waiting.items():
            waiting[kind] = [one for one in left if is_open(one, drips[kind])]
            if not waiting[kind]:
                ended.setdefault(kind, time.monotonic() - started)
        slowest = max(slowest, seconds_of(portal, "/accounts/login/"), seconds_of(portal, "/healthz"))
        assert portal.probe("web") == 0
        time.sleep(0.5)

    limits = settings.REQUEST_SECONDS
    assert slowest < 1
    assert limits["head"] <= ended["head"] < limits["head"] + 8
    assert limits["body"] <= ended["body"] < limits["body"] + 8
    log = (portal.home / "logs" / "web.log").read_text()
    assert "slow_clients_cut" in log and len(log.splitlines()) < 100
    assert portal.status("/readyz") == 200


def test_many_more_connections_than_there_is_room_for_disturb_nobody(portal, settings):
    idle = [connect(portal, b"GET / HTTP/1.1\r\n") for _ in range(3 * settings.WEB_CONNECTIONS)]

    seconds = [seconds_of(portal, "/accounts/login/") for _ in range(5)]

    for one in idle:
        one.close()
    assert max(seconds) < 1


def test_a_polite_end_answers_what_was_asked(portal):
    """Last: it ends the web processes. Requests one after another, while they are replaced."""
    web = portal.children()["web"]
    statuses, times = [], [time.monotonic()]

    os.kill(web, signal.SIGHUP)  # gunicorn: new web processes, old ones end politely
    while time.monotonic() - times[0] < 8:
        statuses.append(portal.status("/accounts/login/"))
        times.append(time.monotonic())

    assert set(statuses) == {200} and len(statuses) > 10
    assert max(later - earlier for earlier, later in pairwise(times)) < 5
    until(lambda: portal.status("/readyz") == 200)
