"""Regular expressions on the page of a log: what is found, how far back, and what is said of the rest."""

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs import scan
from deployments.logs.models import Line, LineCount
from deployments.logs.scan import scan_lines
from deployments.logs.words import expression_pattern

MANY = 30


@pytest.fixture
def lines(deployment):
    """Lines of the last minutes; every third one tells a time in milliseconds, in colour."""
    first = now() - timedelta(minutes=MANY)
    rows = []
    for number in range(MANY):
        text = f"took {number} ms" if number % 3 == 0 else f"step {number}"
        row = Line(
            deployment=deployment,
            insert_id=f"n{number}",
            timestamp=first + timedelta(minutes=number),
            payload=f"\x1b[31m{text}\x1b[0m",
            text=text,
            level="ERROR" if number % 2 else "",
        )
        rows.append(row)
    Line.objects.bulk_create(rows)
    LineCount.objects.create(
        deployment=deployment, workspace=deployment.workspace, start=first, lines=MANY, others=MANY
    )
    return Line.objects.filter(deployment=deployment)


def ids_on(page):
    return re.findall(r'data-line="(\w+)"', page.content.decode())


def test_an_expression_finds_lines_as_people_read_them_and_marks_them(lines, path, ana):
    page = ana.get(f"{path}?q=%5Etook+%5Cd%2B+ms%24&regex=1")

    assert ids_on(page) == [f"n{number}" for number in range(0, MANY, 3)]
    assert "<mark>took 27 ms</mark>" in page.content.decode()


def test_a_level_and_an_expression_are_both_asked_for_and_all_levels_keep_their_numbers(lines, path, ana):
    page = ana.get(f"{path}?q=took&regex=1&level=ERROR")

    assert ids_on(page) == ["n3", "n9", "n15", "n21", "n27"]
    assert re.findall(r"Error <strong>(\d+)|Default <strong>(\d+)", page.content.decode()) == [
        ("5", ""),
        ("", "5"),
    ]


def test_older_lines_that_match_are_on_further_pages(lines, path, ana):
    first = ana.get(f"{path}?q=took&regex=1&max_entries=4")
    older = re.search(r'href="(\?[^"]*before=[^"]*)"', first.content.decode())[1].replace("&amp;", "&")

    second = ana.get(f"{path}{older}")

    assert ids_on(first) == ["n18", "n21", "n24", "n27"]
    assert ids_on(second) == ["n6", "n9", "n12", "n15"]


def test_a_scan_that_takes_too_long_tells_how_far_back_it_looked_and_goes_on_from_there(
    lines, path, ana, monkeypatch
):
    monkeypatch.setattr(scan, "SCAN_SECONDS", 0)
    monkeypatch.setattr(scan, "LINES_AT_ONCE", 10)

    page = ana.get(f"{path}?q=t..k&regex=1").content.decode()
    further = re.search(r'href="(\?[^"]*)">\s*Look further back', page)[1].replace("&amp;", "&")
    older = ana.get(f"{path}{further}")

    assert "looking through all of this range takes too long" in page
    assert ids_on(older) == ["n12", "n15", "n18"]  # the last ten of those that are left


def test_a_scan_that_reached_the_oldest_line_says_nothing(lines, monkeypatch):
    monkeypatch.setattr(scan, "SCAN_SECONDS", 0)

    assert scan_lines(lines, expression_pattern("took"), is_enough=1).searched_to is None


def test_a_scan_ends_early_once_it_has_enough(lines, monkeypatch):
    monkeypatch.setattr(scan, "LINES_AT_ONCE", 10)
    monkeypatch.setattr(scan, "MOST_SCANNED", 10)

    found = scan_lines(lines, expression_pattern("took"), is_enough=2)

    assert len(found.found) == 3
    assert found.searched_to == lines.get(insert_id="n20").timestamp
    assert scan_lines(lines, expression_pattern("took 0"), is_enough=2).searched_to is None


def test_new_lines_that_match_are_added_to_an_open_page(lines, path, ana, deployment):
    after = Line.objects.order_by("-pk").first().pk
    for number, payload in enumerate(["took 99 ms", "something else"]):
        Line.objects.create(deployment=deployment, insert_id=f"new{number}", timestamp=now(), payload=payload)
    oldest = (now() - timedelta(hours=1)).isoformat().replace("+", "%2B")

    news = ana.get(
        f"{path}?q=took&regex=1&after={after}&oldest={oldest}",
        HTTP_HX_REQUEST="true",
        HTTP_HX_TARGET="log-news",
    )

    assert ids_on(news) == ["new0"]


@pytest.mark.parametrize(("count", "found"), [("", 10), ("&max_entries=2", 2)])
def test_a_download_has_only_what_the_expression_finds(count, found, lines, path, ana):
    file = b"".join(ana.get(f"{path}?q=took&regex=1&format=txt{count}").streaming_content).decode()

    assert [line.split(" ", 2)[2] for line in file.splitlines()] == [
        f"took {number} ms" for number in range(0, MANY, 3)
    ][-found:]
