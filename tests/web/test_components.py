"""The page of all components: it is complete, and nobody sees it but who changes the style sheets."""

import re
from pathlib import Path

import pytest

STYLES = Path(__file__).resolve().parent.parent.parent / "static" / "css"
# What belongs to one page of its own, or is drawn by a script; the page of that room shows it.
ELSEWHERE = {
    "banner",
    "card",
    "cards",
    "codes",
    "columns",
    "errorlist",
    "filters",
    "has-forms",
    "has-menus",
    "menu-label",
    "role-form",
    "palette-button",
    "palette-entry",
    "palette-found",
    "qr",
    "role-matrix",
}


@pytest.fixture
def debugging(settings):
    """As with PORTAL_DEBUG, which also leaves style sheets as they are."""
    settings.DEBUG, settings.COMPRESS_ENABLED, settings.COMPRESS_OFFLINE = True, False, False


def test_it_is_not_there_for_people(client, db):
    assert client.get("/__components/").status_code == 404


def test_it_shows_every_component(client, debugging, db):
    page = client.get("/__components/").content.decode()
    sheets = "".join((STYLES / name).read_text() for name in ("parts.css", "forms.css"))
    plain = re.sub(r"/\*.*?\*/", "", sheets, flags=re.DOTALL)

    classes = set(re.findall(r"\.([a-z][a-z-]+)", plain)) - ELSEWHERE
    shown = {name for names in re.findall(r'class="([^"]*)"', page) for name in names.split()}

    assert len(classes) > 30
    assert classes - shown == set()
