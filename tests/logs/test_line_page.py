"""The page of one line: the whole of it, what it says, the lines around it, and a link that stays right."""

import json
import re
from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.utils.timezone import now

from deployments.logs.line_html import Clock
from deployments.logs.models import Line


@pytest.fixture
def lines(deployment):
    """Fifty lines of the same second."""
    at = now().replace(microsecond=0)
    rows = [
        Line(deployment=deployment, insert_id=f"n {number}/&", timestamp=at, payload=f"line {number}")
        for number in range(50)
    ]
    return Line.objects.bulk_create(rows)


def ids_on(page):
    return [unescape(one) for one in re.findall(r'data-line="([^"]*)"', page.content.decode())]


def line_page(person, path, insert_id, **headers):
    return person.client.get(f"{path}line/", {"id": insert_id}, headers=headers)


def test_a_line_has_the_twenty_lines_before_it_and_after_it(lines, path, ana):
    page = line_page(ana, path, "n 25/&")

    assert ids_on(page) == [f"n {number}/&" for number in range(5, 46)]
    assert 'class="level-DEFAULT is-linked"' in page.content.decode()


def test_the_time_of_a_line_in_the_log_leads_to_its_page(lines, path, ana):
    page = ana.get(path).content.decode()
    address = unescape(re.search(r'class="at" href="([^"]*)"', page)[1])

    assert "<pre" in ana.get(address).content.decode()


def test_health_checks_and_other_levels_are_among_the_lines_around_it(lines, path, ana):
    Line.objects.filter(insert_id="n 24/&").update(kind="health")

    assert "n 24/&" in ids_on(line_page(ana, path, "n 25/&"))


def test_the_link_of_a_line_works_for_others_and_after_the_end_of_the_deployment(
    lines, path, vera, deployment
):
    deployment.gone_at = now()
    deployment.save()

    assert "line 25" in line_page(vera, path, "n 25/&").content.decode()


@pytest.mark.parametrize("insert_id", ["gone", "", "x" * 5000, "'\"<script>"])
def test_a_line_that_is_not_stored_is_said_to_be_gone(insert_id, path, ana):
    page = line_page(ana, path, insert_id)

    assert page.status_code == 404
    assert "removes lines after 30 days" in page.content.decode()


def test_a_log_opened_at_a_line_that_is_gone_says_so(lines, path, ana):
    page = ana.get(f"{path}?line=gone").content.decode()

    assert "The line of this link is not stored, or no longer" in page


def test_a_request_and_the_fields_of_a_json_line_are_shown(path, ana, deployment):
    payload = {
        "message": "done",
        "method": "POST",
        "path": "/shop/3?x=1",
        "status": 503,
        "duration_ms": 12.5,
        "a": [1],
    }
    Line.objects.create(
        deployment=deployment, insert_id="j", timestamp=now(), severity="NOTICE", payload=json.dumps(payload)
    )

    page = " ".join(line_page(ana, path, "j").content.decode().split())

    told = dict(re.findall(r"<dt>([^<]*)</dt> <dd>([^<]*)</dd>", page))
    assert told["Model"] == "shop/3"
    assert told["Time"] == "12.5 ms"
    assert (told["Severity at Roboflow"], told["a"]) == ("NOTICE", "[1]")


def test_in_the_dialog_of_the_log_the_line_comes_alone(lines, path, ana):
    part = line_page(ana, path, "n 25/&", HX_Request="true", HX_Target="line-view").content.decode()

    assert "<html" not in part
    assert "data-close" in part


def test_html_in_a_line_stays_text(path, ana, deployment):
    Line.objects.create(
        deployment=deployment,
        insert_id="<b>",
        timestamp=now(),
        payload="<script>alert(1)</script>\x1b[31mred",
    )

    page = line_page(ana, path, "<b>").content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_line_of_another_deployment_is_not_found(lines, ana, fleet):
    other = fleet["night-shift"].get_absolute_url()

    assert line_page(ana, f"{other}logs/", "n 25/&").status_code == 404


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 10, 25, 2, 30, 0, 7999), "02:30:00.007 +02:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1), "02:30:00.000 +01:00"),
        (datetime(2026, 10, 25, 3, 0), "03:00:00.000"),
        (datetime(2026, 10, 25, 1, 59, 59), "01:59:59.000"),
        (datetime(2026, 3, 29, 3, 30), "03:30:00.000"),
    ],
)
def test_the_two_passes_of_a_repeated_hour_are_told_apart(at, text):
    assert Clock().text(at.replace(tzinfo=ZoneInfo("Europe/Berlin"))) == text


def test_a_day_is_named_where_it_begins(path, ana, deployment):
    for days in (0, 0, 3):
        at = now() - timedelta(days=days)
        Line.objects.create(deployment=deployment, insert_id=f"{at}", timestamp=at, payload="x")

    page = ana.get(f"{path}?from={(now() - timedelta(days=4)).date()}").content.decode()

    assert page.count("is-new-day") == 2
