"""Slow clients of a web process, over real sockets: none holds a thread, each deadline ends a connection."""

import http.client
import socket
import threading
import time

import pytest
from structlog.testing import capture_logs
from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher

from portal.supervisor.web_server import Server, wants_file
from tests.portal_process import until

THREADS, FILE_THREADS = 2, 3
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


class Site:
    """A server with a small application, in a thread of this process."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.map, self.is_over, self.ended = {}, False, []
        pool = ThreadedTaskDispatcher()
        pool.set_thread_count(THREADS)
        self.files = ThreadedTaskDispatcher()
        self.files.set_thread_count(FILE_THREADS)
        self.server = Server(self.answer, self.listener, map=self.map, threads=pool, file_threads=self.files)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.sockets = []

    def run(self):
        while not self.is_over:
            wasyncore.loop(timeout=0.05, use_poll=True, map=self.map, count=1)
        pool = self.server.task_dispatcher
        self.server.cut_all()
        pool.shutdown(timeout=5)
        self.files.shutdown(timeout=5)
        wasyncore.close_all(self.map)

    def answer(self, environ, start_response):
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["REQUEST_METHOD"] == "HEAD":
            return self.stream(0)
        if path == "/endless":
            return self.stream(10_000)
        if path == "/broken":
            return self.stream(2, error=True)
        if path == "/large":
            return [b"x" * 5_000_000]
        return [b"hello " + str(len(body)).encode()]

    def stream(self, count, *, error=False):
        try:
            for _ in range(count):
                yield b"y" * 65_536
            if error:
                raise ValueError("the database went away")
        finally:
            self.ended.append(True)

    def connect(self, *sent):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(10)
        one.connect(("127.0.0.1", self.port))
        self.sockets.append(one)
        for data in sent:
            one.sendall(data)
        return one

    def page(self, method="GET", path="/", **more):
        """Ask for a page; return its status, its body and the seconds that it took."""
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, **more)
            answer = connection.getresponse()
            return answer.status, answer.read(), time.monotonic() - started
        finally:
            connection.close()

    def close(self):
        for one in self.sockets:
            one.close()
        self.is_over = True
        self.thread.join()


@pytest.fixture
def site(settings):
    settings.REQUEST_SECONDS = {"idle": 3, "head": 1.5, "body": 2}
    settings.ANSWER_SECONDS = 1.5
    started = Site()
    yield started
    started.close()


def one_answer(one):
    """Read one whole answer: its head and its body may come in several pieces."""
    answer = http.client.HTTPResponse(one)
    answer.begin()
    return answer.status, answer.read()


def drip(one, data, *, seconds):
    """Send `data` again and again; return the seconds until the other side closed, and what it said."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        one.settimeout(0.2)
        try:
            one.sendall(data)
            said = one.recv(1000)
            return time.monotonic() - started, said
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - started, b""
    raise AssertionError(f"still open after {seconds} s")


@pytest.mark.parametrize(
    ("begin", "more", "at_least", "at_most"),
    [
        (b"G", b"E", 1.5, 4),
        (HEAD, b"X-A: b\r\n", 1.5, 4),
        (BODY, b"x", 2, 4.5),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 2, 4.5),
    ],
)
def test_a_request_that_drips_ends_at_its_deadline_and_is_told_so(begin, more, at_least, at_most, site):
    passed, said = drip(site.connect(begin), more, seconds=8)

    assert at_least <= passed <= at_most
    assert said.startswith(b"HTTP/1.1 408 ") or said == b""


def test_unfinished_requests_hold_no_thread_and_no_page(site):
    with capture_logs() as lines:
        for begin in (HEAD, BODY):
            for _ in range(40):
                site.connect(begin)

        seconds = [site.page()[2] for _ in range(5)]
        until(lambda: not any(one.stage != "idle" for one in list(site.server.active_channels.values())))

    assert max(seconds) < 1
    cut = [one for one in lines if one["event"] == "slow_clients_cut"]
    assert sum(one.get("head", 0) for one in cut) == sum(one.get("body", 0) for one in cut) == 40
    assert len(cut) < 10  # one line a second, however many they are


def test_a_slow_but_steady_request_within_the_deadline_is_answered(site):
    one = site.connect(BODY.replace(b"1000", b"5"))
    for _ in range(5):
        time.sleep(0.2)
        one.sendall(b"x")

    assert one_answer(one) == (200, b"hello 5")


def test_an_idle_connection_stays_for_a_while_and_then_ends(site):
    one = site.connect(HEAD + b"\r\n")
    assert one_answer(one) == (200, b"hello 0")
    time.sleep(1.7)  # longer than a head may take

    one.sendall(HEAD + b"\r\n")
    assert one_answer(one) == (200, b"hello 0")
    started = time.monotonic()
    while one.recv(1000):
        pass
    assert 2.5 < time.monotonic() - started < 5.5


def test_a_reader_that_takes_nothing_is_cut_off_and_its_thread_is_free(site):
    readers = [site.connect(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(THREADS)]

    with capture_logs() as lines:
        until(lambda: len(site.ended) == THREADS, seconds=8)

    assert site.page()[2] < 1
    assert sum(one.get("answer", 0) for one in lines) == THREADS
    for reader in readers:
        with pytest.raises(ConnectionResetError):
            while reader.recv(100_000):
                pass


@pytest.mark.parametrize("query", ["format=csv", "a=b&format=jsonl", "format=x&format=txt", "format=%63sv"])
def test_exports_that_nobody_reads_hold_no_thread_that_answers_pages(query, site):
    for _ in range(THREADS + FILE_THREADS):
        site.connect(f"GET /endless?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    until(lambda: not site.files.queue or len(site.files.queue) == THREADS)

    assert [site.page()[2] < 0.5 for _ in range(5)] == [True] * 5
    until(
        lambda: not site.server.task_dispatcher.active_count
    )  # the last page's thread ends after its answer


@pytest.mark.parametrize("query", ["", "format=", "format=html", "xformat=csv", "q=format%3Dcsv"])
def test_other_requests_are_no_exports(query):
    assert not wants_file(query)


def test_a_reader_that_drips_is_cut_off(site):
    one = site.connect(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    started = time.monotonic()

    with pytest.raises(ConnectionResetError):
        while time.monotonic() - started < 10:
            one.recv(200)
            time.sleep(0.1)


def test_a_reader_of_a_steady_rate_is_never_cut_off(site, settings):
    one, started, taken = site.connect(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"), time.monotonic(), 0

    while time.monotonic() - started < 3 * settings.ANSWER_SECONDS:
        taken += len(one.recv(8192))
        time.sleep(0.05)

    assert taken > 0 and site.ended == []


def test_a_page_that_nobody_reads_holds_no_thread(site):
    for _ in range(THREADS * 3):
        site.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")

    assert site.page()[2] < 1


def test_pipelined_requests_that_nobody_reads_hold_no_thread(site):
    for _ in range(THREADS * 3):
        site.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 20)

    assert site.page()[2] < 1
    assert all(len(one.requests) <= 1 for one in list(site.server.active_channels.values()))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_that_breaks_half_way_looks_whole_to_no_client(version, site):
    one, taken = site.connect(f"GET /broken HTTP/{version}\r\nHost: x\r\n\r\n".encode()), b""

    with pytest.raises(ConnectionResetError):
        while data := one.recv(65_536):
            taken += data

    assert not taken.endswith(b"0\r\n\r\n")


def test_when_there_is_no_room_the_one_that_waits_longest_goes(site, settings):
    settings.WEB_CONNECTIONS = 10
    waiting = [site.connect(HEAD) for _ in range(10)]
    until(lambda: len(site.server.active_channels) == 10)

    status, _, seconds = site.page()

    assert status == 200 and seconds < 1
    assert waiting[0].recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("size", "status"), [(0, 200), (1_000_000, 200), (2 * 1024 * 1024 + 1, 413), (10**12, 413)]
)
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(size, status, site):
    one = site.connect(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
    if status == 200:
        one.sendall(b"x" * size)

    assert one.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_head_beyond_the_limit_is_refused(site):
    assert site.page(headers={"X-A": "a" * 70_000})[0] == 431


def test_head_has_no_body_at_all(site):
    one = site.connect(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")

    said = b""
    while data := one.recv(65_536):
        said += data
    assert said.endswith(b"\r\n\r\n") and b"\r\n\r\n0" not in said


def test_what_proxies_say_reaches_the_portal_and_a_header_with_an_underscore_does_not(site):
    seen = {}

    def remember(environ, start_response):
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    site.server.application = remember

    site.page(headers={"X-Forwarded-For": "1.2.3.4", "X_Forwarded_Proto": "https"})

    assert seen["HTTP_X_FORWARDED_FOR"] == "1.2.3.4" and seen["REMOTE_ADDR"] == "127.0.0.1"
    assert "HTTP_X_FORWARDED_PROTO" not in seen and seen["wsgi.url_scheme"] == "http"


def test_the_answer_does_not_say_what_server_it_is(site):
    one = site.connect(HEAD + b"\r\n")

    assert b"server:" not in one.recv(1000).lower()
