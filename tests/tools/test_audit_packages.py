"""`make audit` has three outcomes that nobody can confuse: audited, vulnerable, not audited."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.portal_process import ROOT, free_port

BUG = {
    "id": "PYSEC-2024-60",
    "aliases": ["CVE-2024-3651"],
    "summary": "Slow for some texts",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.7"}]}],
            "versions": ["3.6"],
        }
    ],
}
HASH = "--hash=sha256:" + "ab" * 32
GOOD, BAD = f"idna==3.7 {HASH}\nredis==8.1.0 {HASH}\n", f"idna==3.6 {HASH}\nredis==8.1.0 {HASH}\n"


class Osv(BaseHTTPRequestHandler):
    """Answers as api.osv.dev does: it knows one vulnerability of one version."""

    asked: list[str]
    mood: str

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = query["package"]["name"], query["version"]
        self.asked.append(name)
        is_away = self.mood == "error" or (self.mood == "goes away" and name != "pip")
        answer = {"vulns": [BUG]} if (name, version) == ("idna", "3.6") else {}
        body = "<html>" if self.mood == "strange" else "[]" if self.mood == "list" else json.dumps(answer)
        self.send_response(503 if is_away else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def osv():
    """A function that starts the source in a mood, and returns its address and what it is asked about."""
    servers = []

    def start(mood="good"):
        asked = []
        handler = type("Handler", (Osv,), {"asked": asked, "mood": mood})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1/query", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def audit(tmp_path):
    def run(requirements, source):
        (tmp_path / "requirements.txt").write_text(requirements)
        command = ["tests/tools/audit_packages.py", str(tmp_path / "requirements.txt"), "--source", source]
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_audited_says_how_many_packages_and_asked_about_each(audit, osv):
    source, asked = osv()

    done = audit(GOOD, source)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "audited: 2 packages, none with a known vulnerability.\n"
    assert {"idna", "redis"} <= set(asked)


def test_a_known_vulnerability_fails_and_is_named_with_its_fix(audit, osv):
    done = audit(BAD, osv()[0])

    assert done.returncode == 1
    assert done.stdout == "vulnerable: idna 3.6 (PYSEC-2024-60 CVE-2024-3651): fixed in 3.7\n"


def test_a_source_that_is_not_there_is_told_and_does_not_look_like_an_audit(audit):
    done = audit(BAD, f"http://127.0.0.1:{free_port()}/v1/query")

    assert done.returncode == 0
    assert done.stdout.startswith("NOT AUDITED: ") and "Connection refused" in done.stdout
    assert "audited:" not in done.stdout


@pytest.mark.parametrize("mood", ["error", "strange", "list", "goes away"])
def test_a_source_that_gives_no_answer_is_no_audit(mood, audit, osv):
    done = audit(BAD, osv(mood)[0])

    assert done.returncode == 0 and done.stdout.startswith("NOT AUDITED: ")
    assert "audited:" not in done.stdout


@pytest.mark.parametrize(
    "requirements",
    ["", "# nothing\n", f"idna {HASH}\n", "idna==3.7\n", "==\n"],
)
def test_what_cannot_be_audited_fails_although_nothing_is_found(requirements, audit, osv):
    done = audit(requirements, osv()[0])

    assert done.returncode == 2
    assert "audited:" not in done.stdout and done.stderr.startswith("The audit does not work: ")
