"""Pages can be translated: every text of a page goes through gettext, and the catalogue has it."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

from django.utils.translation import trans_real

from tests.people import operation_of

ROOT = Path(__file__).resolve().parents[2]
FLEET = "/w/acme-vision/"
OPEN, CLOSE = "⟦", "⟧"


class Pseudo:
    """A translation that puts each message into brackets."""

    def gettext(self, message):
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, one, many, number):
        return self.gettext(one if number == 1 else many)

    def pgettext(self, context, message):
        return self.gettext(message)

    def npgettext(self, context, one, many, number):
        return self.ngettext(one, many, number)

    def to_language(self):
        return "en"

    def language(self):
        return "en"


class Texts(HTMLParser):
    """Collects what a person reads or hears: texts, and attributes that are read aloud."""

    def __init__(self):
        super().__init__()
        self.found, self.silent = [], 0

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "style", "pre", "code", "option"):
            self.silent += 1
        self.found += [
            value for name, value in attrs if name in ("aria-label", "placeholder", "title") and value
        ]

    def handle_endtag(self, tag):
        if tag in ("script", "style", "pre", "code", "option"):
            self.silent -= 1

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.found.append(" ".join(data.split()))


DATA = [  # not words of the portal: names, addresses, what Roboflow says, what is stored
    "Portside",
    "Acme Vision",
    "US",
    "Ana",
    "a reason of mine",
    "no capacity",
    "Roboflow did not accept the request.",
    "Rejected",
    "curl",
    "Python",
    "JavaScript",
    "CLI",
    "UTC",
    "Language",
]
SHAPES = [
    r"[\w.-]+@example\.com",
    r"[\w.-]+\.roboflow\.cloud",
    r"\b[a-z]+(_[a-z]+)+\b",
    r"/[a-z_]+",
    r"\b[\w+/=-]{20,}",
    r"\b(dev|prod)-[cg]pu\b|\bgpu-(small|medium)\b",
    r"…-\w+",
    r"\b(24h|domain|subdomain)\b",
]


def untranslated(html, names):
    """Return the texts of a page that did not go through gettext and are no data."""
    parser = Texts()
    parser.feed(html)
    left, depth = set(), 0
    for text in parser.found:
        outside = []
        for character in text:
            depth += character == OPEN
            outside.append(" " if depth else character)
            depth -= character == CLOSE
        rest = "".join(outside)
        for shape in SHAPES:
            rest = re.sub(shape, "", rest)
        for word in [*sorted(names, key=len, reverse=True), *DATA]:
            rest = rest.replace(word, "")
        if re.search(r"[A-Za-z]{2,}", rest):
            left.add(text)
    assert depth == 0
    return sorted(left)


def test_every_text_of_the_pages_goes_through_gettext(ana, fleet, worker, monkeypatch, sandbox):
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    failed = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="a reason of mine"))
    worker.drain()
    deployment = fleet["line-3-inspect"].get_absolute_url()
    monkeypatch.setattr("django.utils.translation._trans", trans_real)  # as with more than one language
    monkeypatch.setattr(trans_real._active, "value", Pseudo(), raising=False)
    pages = [
        FLEET,
        deployment,
        f"{deployment}logs/",
        f"{deployment}pause/",
        f"{deployment}delete/",
        f"{deployment}activity/",
        failed.get_absolute_url(),
        f"{FLEET}operations/",
        f"{FLEET}activity/",
        f"{FLEET}deployments/new/",
        f"{FLEET}team/",
        "/keys/",
        "/profile/",
        "/people/",
        "/activity/",
        f"{FLEET}nothing/",
    ]

    left = {path: untranslated(ana.get(path).content.decode(), fleet) for path in pages}

    assert {path: texts for path, texts in left.items() if texts} == {}


def messages_of(folder):
    """Return the messages of the catalogues in a folder, by file."""
    return {
        path.name: re.findall(
            r'^(?:msgid|msgid_plural|msgctxt) (.*(?:\n".*)*)', path.read_text(), re.MULTILINE
        )
        for path in sorted(folder.rglob("*.po"))
    }


def test_the_catalogue_has_every_text(tmp_path):
    """If this fails, run `make messages`."""
    for name in ("portal", "deployments", "templates", "static"):
        shutil.copytree(ROOT / name, tmp_path / name)
    kept = messages_of(ROOT / "portal" / "locale")

    for name in ("manage.py", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    environment = os.environ | {"PORTAL_HOME": str(tmp_path / "home")}
    make = ["make", "messages", f"BIN={Path(sys.executable).parent}", "--old-file", ".venv/ready"]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ready").touch()
    done = subprocess.run(make, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert messages_of(tmp_path / "portal" / "locale") == kept
    assert len(kept["django.po"]) > 800 and len(kept["djangojs.po"]) > 40


def test_a_text_that_is_not_marked_is_found():
    html = f"<h1>{OPEN}Marked <b>fleet</b>{CLOSE}</h1><p title='Not marked'>ana@example.com</p>"

    assert untranslated(html, []) == ["Not marked"]


def test_the_words_of_the_scripts_are_served_to_everybody_and_may_be_kept(client):
    answer = client.get("/words.js")

    assert answer.status_code == 200 and "django.ngettext" in answer.content.decode()
    assert "max-age=3600" in answer.headers["Cache-Control"]
