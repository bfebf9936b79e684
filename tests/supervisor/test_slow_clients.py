"""Slow clients of the whole portal as it runs: pages, health and people do not notice them."""

import http.client
import os
import re
import signal
import socket
import time

import pytest
import requests

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
    drips, ended, seconds = {"head": b"X-A: b\r\n", "body": b"x"}, {}, []

    while any(waiting.values()) and time.monotonic() - started < 60:
        for kind, left in waiting.items():
            waiting[kind] = [one for one in left if is_open(one, drips[kind])]
            if not waiting[kind]:
                ended.setdefault(kind, time.monotonic() - started)
        seconds += [seconds_of(portal, "/accounts/login/"), seconds_of(portal, "/healthz")]
        assert portal.probe("web") == 0
        time.sleep(0.5)

    limits = settings.REQUEST_SECONDS
    assert_undisturbed(seconds)
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
    assert_undisturbed(seconds)


MANY_LINES = """
from django.utils.timezone import now
from deployments.fleet.models import Deployment
from deployments.logs.models import Line
one = Deployment.objects.filter(workspace__slug="acme-vision").first()
Line.objects.bulk_create(
    Line(deployment=one, insert_id=f"n{n}", timestamp=now(), payload="x" * 4000) for n in range(8000)
)
print("deployment", one.deployment_id)
"""


@pytest.fixture
def large_log(portal):
    """The path of a log of 32 MB."""
    said = portal.manage("shell", "-c", MANY_LINES).stdout
    return f"/w/acme-vision/deployments/{said.split('deployment ')[1].split()[0]}/logs/"


def assert_undisturbed(seconds):
    """Check that nearly all of these pages were fast. A busy machine may stop for a moment, whoever asks."""
    slowest = sorted(seconds)
    assert slowest[int(len(slowest) * 0.8)] < 1 and slowest[-1] < 5, slowest


def sign_in(portal, name):
    """Return the Cookie header of a person of the demo."""
    session = requests.Session()
    session.trust_env = False
    page = session.get(f"{portal.url}/accounts/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    form = {"csrfmiddlewaretoken": token, "login": f"{name}@example.com", "password": "demo-portal"}
    answer = session.post(f"{portal.url}/accounts/login/", data=form, headers={"Referer": page.url})
    assert answer.status_code == 200 and "/accounts/login/" not in answer.url
    return "; ".join(f"{one.name}={one.value}" for one in session.cookies)


def begin_export(portal, cookie, path):
    """Ask for an export; return its connection and the status."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.settimeout(10)
    one.connect(("127.0.0.1", portal.port))
    host = f"Host: localhost:{portal.port}\r\nCookie: {cookie}\r\n\r\n"
    one.sendall(f"GET {path}?format=txt HTTP/1.1\r\n{host}".encode())
    return one, int(one.recv(200).split(b" ")[1])


def test_an_export_that_nobody_reads_is_one_of_the_person_and_is_cut_off(portal, large_log, settings):
    cookie = sign_in(portal, "ana")
    log = portal.home / "logs" / "web.log"

    first, status = begin_export(portal, cookie, large_log)
    refused = [begin_export(portal, cookie, large_log)[1] for _ in range(12)]

    assert status == 200 and refused == [429] * 12
    assert_undisturbed([seconds_of(portal, "/accounts/login/") for _ in range(5)])
    until(lambda: "download_cut_off" in log.read_text(), seconds=settings.ANSWER_SECONDS + 15)
    with pytest.raises(ConnectionResetError):
        while first.recv(65_536):
            pass
    again, status = begin_export(portal, cookie, large_log)
    again.close()
    assert status == 200


def test_a_polite_end_answers_what_was_asked(portal):
    """Last: it ends the web processes. Requests one after another, while they are replaced.

    How long a request waits for the new processes depends on how fast this machine starts them.
    """
    web = portal.children()["web"]
    statuses, started = [], time.monotonic()

    os.kill(web, signal.SIGHUP)  # gunicorn: new web processes, old ones end politely
    while time.monotonic() - started < 8 or len(statuses) < 10:
        statuses.append(portal.status("/accounts/login/", seconds=30))

    assert set(statuses) == {200}
    until(lambda: portal.status("/readyz") == 200)
