"""The logs of a whole workspace: the lines of every deployment, also of those that are gone."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.logs.models import Harvest, Line
from tests.logs.test_news import ids_of, source_of

LOGS = "/w/acme-vision/logs/"


@pytest.fixture
def lines(fleet, other_workspace_deployment):
    """Three lines each of two deployments, of one that is gone, and of another workspace."""
    Deployment.objects.filter(deployment_name="night-shift").update(gone_at=now(), status="deleted")
    rows = [
        *(fleet[name] for name in ("pallet-counter", "night-shift", "label-reader")),
        other_workspace_deployment,
    ]
    for place, row in enumerate(rows):
        Harvest.objects.create(deployment=row, workspace=row.workspace, stored_lines=3)
        for number in range(3):
            Line.objects.create(
                deployment=row,
                insert_id=f"{row.deployment_name}-{number}",
                timestamp=now() - timedelta(seconds=10 * number + place),
                payload="ERROR:    it broke" if number == 2 else f"line {number}",
                level="ERROR" if number == 2 else "INFO",
            )
    return rows


def shown(person, query=""):
    return [line.insert_id for line, _ in person.get(f"{LOGS}{query}").context["lines"]]


def test_it_shows_the_lines_of_all_deployments_of_the_workspace_and_of_no_other(lines, vera, fleet):
    found = shown(vera)

    assert len(found) == 9 and not [one for one in found if one.startswith("of-another-workspace")]
    page = vera.get(LOGS).content.decode()
    for name in ("pallet-counter", "night-shift", "label-reader"):
        assert f"{fleet[name].get_absolute_url()}logs/line/?id={name}-0" in page


def test_lines_are_in_the_order_of_time(lines, ana):
    times = [line.timestamp for line, _ in ana.get(LOGS).context["lines"]]

    assert times == sorted(times)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?deployment=NIGHT", 3),
        ("?deployment=t", 6),
        ("?deployment=of-another", 0),
        ("?creator=ben@", 3),
        ("?q=broke", 3),
        ("?level=ERROR", 3),
        ("?level=ERROR&deployment=pallet", 1),
        ("?q=line+1&creator=nobody", 0),
    ],
)
def test_name_creator_text_and_level_are_all_asked_for(query, count, lines, ana):
    Deployment.objects.update(creator_email="ana@example.com")
    Deployment.objects.filter(deployment_name="label-reader").update(creator_email="ben@example.com")

    assert len(shown(ana, query)) == count


def test_a_deployment_is_found_by_its_id(lines, ana):
    assert len(shown(ana, f"?deployment={lines[0].deployment_id}")) == 3


def test_older_lines_are_on_pages_that_follow_each_other(lines, ana):
    found, query = [], "?max_entries=4"
    for _ in range(3):
        context = ana.get(f"{LOGS}{query}").context
        found = [line.insert_id for line, _ in context["lines"]] + found
        query = f"?max_entries=4&before={context['older']}"

    assert found == shown(ana)


def test_a_download_names_the_deployment_of_each_line_and_is_in_the_trail(lines, ana, trail):
    text = b"".join(ana.get(f"{LOGS}?format=csv&level=ERROR").streaming_content).decode()

    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["deployment_name"] for row in rows} == {"pallet-counter", "night-shift", "label-reader"}
    assert {row["deployment_id"] for row in rows} == {row.deployment_id for row in lines[:3]}
    assert "export.made" in trail.actions()


def test_new_lines_of_any_deployment_come_to_an_open_page(lines, ana):
    page = ana.get(LOGS).content.decode()
    unchanged = ana.htmx(source_of(page), "log-news").status_code
    for row in (lines[2], lines[3]):
        Line.objects.create(deployment=row, insert_id=f"new-{row.pk}", timestamp=now(), payload="new")

    answer = ana.htmx(source_of(page), "log-news").content.decode()

    assert unchanged == 204 and ids_of(answer) == [f"new-{lines[2].pk}"]


@pytest.mark.parametrize("query", ["from=x", "max_entries=0", "level=LOUD", "kind=none-such", "range=1y"])
def test_bad_queries_get_a_message_and_show_nothing(query, lines, ana):
    answer = ana.get(f"{LOGS}?{query}")

    assert answer.status_code == 422 and "1 thing to correct" in answer.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_lines(lines, ana):
    ana.get(LOGS)
    counts = []
    for query in ("?max_entries=1", "?max_entries=50"):
        with CaptureQueriesContext(connection) as queries:
            ana.get(f"{LOGS}{query}")
        counts.append(len(queries))

    assert counts[1] <= counts[0] + 1  # the lines are fetched in parts


def test_who_is_no_member_does_not_see_it(lines, mallory):
    assert mallory.get(LOGS).status_code == 404
