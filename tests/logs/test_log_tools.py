"""The histogram on the pages of logs, and searches that are saved for the team."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils.timezone import now

from deployments.fleet.models import SavedView
from deployments.logs.models import Harvest, Line
from deployments.logs.search import lines_of_search
from deployments.logs.store import store_lines
from deployments.roboflow.schema import LogLine, LogPage

LOGS, VIEWS = "/w/acme-vision/logs/", "/w/acme-vision/views/"


@pytest.fixture
def stored(deployment):
    """Lines of the last half an hour, every second one an error."""
    lines = [
        LogLine(
            insert_id=f"n{minute}",
            timestamp=now() - timedelta(minutes=minute),
            severity="",
            payload="ERROR: it broke" if minute % 2 else "INFO: fine",
        )
        for minute in range(30)
    ]
    store_lines(
        Harvest.objects.create(deployment=deployment, workspace=deployment.workspace), LogPage(lines, [])
    )
    return lines


def bars_on(page):
    """Return the address and the words of each bar."""
    svg = re.search(r"<svg[^>]*data-histogram.*?</svg>", page, re.DOTALL)[0]
    links = re.findall(r'<a href="([^"]*)"\s*(?:tabindex="-1")?>\s*<title>([^<]*)</title>', svg)
    return [(unescape(url), text) for url, text in links]


@pytest.mark.parametrize("where", ["of the deployment", "of the workspace"])
def test_a_bar_of_the_histogram_leads_to_its_lines(where, stored, path, ana):
    page = ana.get(path if where == "of the deployment" else LOGS).content.decode()
    url, text = bars_on(page)[3]

    part = ana.get(url).content.decode()

    assert text.split(": ", 1)[1] in ("1 line, 1 error", "1 line")
    assert len(re.findall(r"data-line=", part)) == 1


def test_the_histogram_shows_what_the_search_finds(stored, path, ana):
    page = ana.get(f"{path}?q=broke").content.decode()

    assert len(bars_on(page)) == 15
    assert all(text.endswith("1 line, 1 error") for _, text in bars_on(page))


def test_operations_and_changes_from_outside_are_marked(stored, path, ana, worker, deployment):
    ana.ask(deployment, "pause")

    page = ana.get(path).content.decode()

    assert re.search(r'<a href="/w/acme-vision/operations/[^"]*" class="mark-link', page)


def test_the_histogram_comes_alone_when_the_page_asks_for_it(stored, path, ana):
    part = ana.get(path, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="log-histogram").content.decode()

    assert part.count("<svg") == 1
    assert "data-line" not in part


def test_a_search_is_saved_shared_and_opened_by_another_person(stored, path, ana, vera, deployment):
    saved = ana.post(
        VIEWS,
        {
            "page": "logs",
            "name": "Broken",
            "shared": "1",
            "query": f"?q=bro.e&regex=1&level=ERROR&before=x&deployment={deployment.deployment_id}",
        },
    )
    menu = vera.get(path).content.decode()
    address = unescape(re.search(r'<a href="([^"]*)">\s*<span class="ellipsis">Broken', menu)[1])

    found = vera.get(address).content.decode()

    assert saved["Location"].startswith(LOGS)
    assert "before" not in address
    assert len(re.findall(r"data-line=", found)) == 15


def test_searches_and_views_of_the_fleet_are_apart(ana):
    ana.post(VIEWS, {"page": "logs", "name": "Same name", "query": "q=x"})
    ana.post(VIEWS, {"name": "Same name", "query": "q=y"})

    assert SavedView.objects.count() == 2
    assert ana.get("/w/acme-vision/?all=1").content.decode().count("Same name") > 0
    assert "q=y" not in ana.get(LOGS).content.decode()


def test_a_search_is_removed_by_its_owner(ana):
    ana.post(VIEWS, {"page": "logs", "name": "Mine", "query": "q=x"})

    answer = ana.post(f"{VIEWS}{SavedView.objects.get().pk}/", {"remove": "1"})

    assert answer["Location"].startswith(LOGS)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=broke", 15),
        ("q=bro.e&regex=1", 15),
        ("level=INFO", 15),
        ("deployment=pallet", 30),
        ("q=(&regex=1", 0),
    ],
)
def test_a_saved_search_finds_the_lines_that_were_stored_since(query, found, stored, workspace):
    lines = lines_of_search(workspace, query, after=0)
    newest = Line.objects.order_by("-pk").first().pk

    assert len(list(lines)) == found
    assert not list(lines_of_search(workspace, query, after=newest))
