"""The log page: filters, links to one line, downloads, and queries that make no sense."""

import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs.models import Line


@pytest.fixture
def log(harvest, path):
    """The address of a log page whose log was read."""
    harvest()
    return path


def shown(person, address):
    return [line for line, _ in person.get(address).context["lines"]]


def test_a_severity_shows_its_lines_only(ana, log):
    everything = shown(ana, f"{log}?range=1h")

    errors = shown(ana, f"{log}?range=1h&severity=ERROR")

    assert {line.severity for line in everything} > {"ERROR", "INFO"}
    assert errors == [line for line in everything if line.severity == "ERROR"]


def test_the_severity_default_shows_the_lines_that_have_none(ana, log, deployment):
    for number, severity in enumerate(("", "DEFAULT")):
        Line.objects.create(deployment=deployment, insert_id=f"d{number}", timestamp=now(), severity=severity)

    page = ana.get(f"{log}?range=1h&severity=DEFAULT")

    assert {line.insert_id for line, _ in page.context["lines"]} == {"d0", "d1"}
    assert page.context["severities"]["DEFAULT"] == 2
    assert page.content.decode().count('aria-current="true"') >= 1


def test_a_text_shows_the_lines_that_contain_it_in_any_case(ana, log):
    everything = shown(ana, f"{log}?range=1h&max_entries=5000")

    found = shown(ana, f"{log}?range=1h&max_entries=5000&q=get+/INFO")

    assert found == [line for line in everything if "GET /info" in line.payload]
    assert 0 < len(found) < len(everything)


def test_the_newest_lines_are_shown_oldest_first(ana, log):
    everything = shown(ana, f"{log}?range=1h")

    assert shown(ana, f"{log}?range=1h&max_entries=3") == everything[-3:]
    assert [line.timestamp for line in everything] == sorted(line.timestamp for line in everything)


@pytest.mark.parametrize(
    "query",
    [
        "max_entries=-1",
        "max_entries=99999999999",
        "max_entries=x",
        "from=nonsense",
        "from=2026-01-02T00:00&to=2026-01-01T00:00",
        "to=9999-99-99",
    ],
)
def test_bad_queries_get_a_message_beside_the_field(query, ana, log):
    answer = ana.get(f"{log}?{query}")

    assert answer.status_code == 422
    assert "1 thing to correct" in answer.content.decode()


def test_a_line_has_its_own_link(ana, log):
    line = Line.objects.order_by("timestamp").first()

    page = ana.get(f"{log}?line={line.insert_id}").content.decode()

    assert f'id="line-{line.pk}"' in page


def test_downloads_give_every_stored_line_of_the_range(ana, log):
    start = now() - timedelta(hours=2)
    query = f"from={start.isoformat().replace('+', '%2B')}"

    rows = b"".join(ana.get(f"{log}?{query}&format=jsonl")).decode().splitlines()
    text = b"".join(ana.get(f"{log}?{query}&format=txt&max_entries=3")).decode().splitlines()

    assert len(rows) == Line.objects.filter(timestamp__gte=start).count() > 10
    assert set(json.loads(rows[0])) == {"insert_id", "timestamp", "severity", "payload"}
    assert len(text) == 3


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_line_of_an_impossible_year_breaks_no_page(timestamp, zone, ana, harvest, path, twist):
    type(ana.user).objects.update(timezone=zone)
    line = {"payload": "x", "severity": "INFO"}
    lines = [
        line | {"insert_id": "odd", "timestamp": timestamp},
        line | {"insert_id": "good", "timestamp": now().isoformat()},
    ]
    twist["/get_log"] = lambda answer: json.dumps(lines).encode()
    harvest()

    good = Line.objects.get(insert_id="good")
    assert good in shown(ana, path)
    assert ana.get(f"{path}?line=odd").status_code == 200
    for name in ("from", "to"):
        assert ana.get(f"{path}?{name}={timestamp[:19]}").status_code == 422
