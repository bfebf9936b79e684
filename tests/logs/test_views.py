"""The log page: filters, links to one line, downloads, and queries that make no sense."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.logs.models import Line


@pytest.fixture
def log(harvest, path):
    """The address of a log page whose log was read. The clock stands still: no line leaves the range."""
    harvest()
    with time_machine.travel(now(), tick=False):
        yield path


def shown(person, address):
    pks = [line.pk for line, _ in person.get(address).context["lines"]]
    lines = Line.objects.in_bulk(pks)
    return [lines[pk] for pk in pks]


def test_a_severity_shows_its_lines_only(ana, log):
    everything = shown(ana, f"{log}?range=1h")

    errors = shown(ana, f"{log}?range=1h&severity=ERROR")

    assert {line.severity for line in everything} > {"ERROR", "INFO"}
    assert errors == [line for line in everything if line.severity == "ERROR"]


def test_the_level_default_shows_the_lines_that_have_no_severity_too_and_the_severity_tells_them_apart(
    ana, log, deployment
):
    for number, severity in enumerate(("", "DEFAULT")):
        Line.objects.create(deployment=deployment, insert_id=f"d{number}", timestamp=now(), severity=severity)

    page = ana.get(f"{log}?range=1h&level=DEFAULT")

    assert {line.insert_id for line, _ in page.context["lines"]} == {"d0", "d1"}
    assert page.context["levels"]["DEFAULT"] == 2
    assert page.content.decode().count('aria-current="true"') >= 1
    for severity, insert_id in (("none", "d0"), ("DEFAULT", "d1")):
        assert [line.insert_id for line in shown(ana, f"{log}?severity={severity}")] == [insert_id]


def test_health_checks_are_hidden_with_their_count_until_they_are_asked_for(ana, log):
    checks = Line.objects.filter(kind="health").count()

    page = ana.get(f"{log}?max_entries=5000")
    both = shown(ana, f"{log}?max_entries=5000&health=1")
    alone = shown(ana, f"{log}?max_entries=5000&kind=health")

    assert not [line for line, _ in page.context["lines"] if "/healthz" in line.beginning]
    assert 0 < page.context["health_count"] <= checks
    assert f"{page.context['health_count']} health checks hidden" in " ".join(page.content.decode().split())
    assert len(both) - len(page.context["lines"]) == len(alone) == page.context["health_count"]


@pytest.mark.parametrize("kind", ["request", "start-up", "error", "traceback", "health"])
def test_a_kind_shows_its_lines_only(kind, ana, log, deployment):
    Line.objects.create(deployment=deployment, insert_id="one", timestamp=now(), kind=kind, payload="x")

    found = shown(ana, f"{log}?kind={kind}&max_entries=5000")

    assert "one" in [line.insert_id for line in found] and {line.kind for line in found} == {kind}


def test_a_word_is_found_though_colour_codes_stand_in_it(ana, log):
    found = shown(ana, f"{log}?q=models+are+warm")

    for line in found:
        assert "\x1b" in line.payload and "\x1b" not in line.text
    found = shown(ana, f"{log}?q=%22THROUGHPUT+below+target:%22&max_entries=5000")
    assert found and all("\x1b" in line.payload for line in found)


def test_the_level_is_not_repeated_and_the_text_of_a_download_is_the_text_that_is_searched(ana, log):
    page = ana.get(f"{log}?max_entries=5000").content.decode()
    text = b"".join(ana.get(f"{log}?format=txt").streaming_content).decode()

    assert "INFO:     10." not in page and 'class="visually-hidden">Info: </span>10.' in page
    assert (
        "\x1b" not in text and "Downloading weights: 100%" in text and "Downloading weights:  10%" not in text
    )


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


@pytest.mark.parametrize("kind", ["request", "health"])
def test_a_line_has_its_own_link(kind, ana, log):
    line = Line.objects.filter(kind=kind).order_by("timestamp").first()

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
