"""Logs: stored once, masked, filtered, linked, downloaded."""

import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs.harvest import harvest_deployment, request_harvest
from deployments.logs.lines import plain_text, render_html
from deployments.logs.models import Harvest, Line
from deployments.logs.windows import OVERLAP, Window, next_windows, older_part


@pytest.fixture
def log(ana, fleet):
    """The log page of pallet-counter, harvested."""
    path = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/logs/"
    ana.get(path)
    harvest_deployment(fleet["pallet-counter"].pk)
    return path


def again(deployment):
    Harvest.objects.update(harvested_at=None)
    harvest_deployment(deployment.pk)


def test_lines_are_stored_once_however_often_they_are_read(log, fleet):
    count = Line.objects.count()

    again(fleet["pallet-counter"])

    ids = list(Line.objects.values_list("insert_id", flat=True))
    assert count > 10 and len(ids) == len(set(ids)) and len(ids) - count < 5


def test_keys_in_lines_are_masked_before_they_are_stored(log, fleet, sandbox):
    text = "".join(Line.objects.values_list("payload", flat=True))

    assert "api_key=***" in text
    assert "sandbox-key" not in text


def test_two_people_looking_are_one_harvest(ana, ben, log, fleet, sandbox):
    before = sandbox.calls()["/get_log"]
    for person in (ana, ben, ana, ben):
        person.get(log)
        harvest_deployment(fleet["pallet-counter"].pk)

    assert sandbox.calls()["/get_log"] == before


def test_filters_by_text_and_severity(ana, log):
    page = ana.get(f"{log}?severity=ERROR&range=24h")

    assert {line.severity for line, _ in page.context["lines"]} <= {"ERROR"}
    assert all("GET /info" in line.payload for line, _ in ana.get(f"{log}?q=GET+/info").context["lines"])


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
    assert "Please look again" in answer.content.decode()


def test_a_line_has_its_own_link(ana, log):
    line = Line.objects.order_by("timestamp").first()

    page = ana.get(f"{log}?line={line.insert_id}")

    assert f'id="line-{line.pk}"' in page.content.decode()


def test_downloads_give_every_stored_line_of_the_range(ana, log):
    start = (now() - timedelta(hours=2)).isoformat().replace("+", "%2B")
    rows = b"".join(ana.get(f"{log}?from={start}&format=jsonl")).decode().splitlines()
    text = b"".join(ana.get(f"{log}?from={start}&format=txt&max_entries=3")).decode().splitlines()

    assert len(rows) == Line.objects.filter(timestamp__gte=now() - timedelta(hours=2)).count()
    assert set(json.loads(rows[0])) == {"insert_id", "timestamp", "severity", "payload"}
    assert len(text) == 3


def test_an_error_of_roboflow_stays_in_its_box(ana, log, fleet, sandbox):
    sandbox.fault("/get_log", "status", 0, status=500, text="log store <down>")

    again(fleet["pallet-counter"])

    page = ana.get(log).content.decode()
    assert "log store &lt;down&gt;" in page and "Showing stored lines" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("\x1b[31mred\x1b[0m <i>", '<span class="ansi31">red</span><span class=""> &lt;i&gt;</span>'),
        ("10%\r50%\r100%", "100%"),
        ("\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07", '<span class="">click</span>'),
        ("a\u202eb\x00c", "abc"),
    ],
)
def test_lines_are_rendered_safely(text, shown):
    from django.utils.html import conditional_escape

    assert str(conditional_escape(render_html(text))) == shown


def test_plain_text_has_no_codes():
    assert plain_text("\x1b[1;32mok\x1b[0m\r\n") == "ok\n"


def test_windows_overlap_and_reach_back_only_when_wanted():
    moment = now()
    first = next_windows(covered_from=None, covered_to=None, wanted_from=None, now=moment)
    later = next_windows(
        covered_from=moment - timedelta(hours=1),
        covered_to=moment - timedelta(seconds=3),
        wanted_from=moment - timedelta(hours=24),
        now=moment,
    )

    assert first == [Window(moment - timedelta(hours=1), moment)]
    assert later[0].start == moment - timedelta(seconds=3) - OVERLAP
    assert later[1] == Window(moment - timedelta(hours=24), moment - timedelta(hours=1))
    assert older_part(later[1], later[1].start) is None


def answered(lines):
    return lambda answer: json.dumps(lines).encode()


def line(number, at, **more):
    return {
        "insert_id": f"q{number}",
        "payload": "x",
        "severity": "INFO",
        "timestamp": at.isoformat(),
        **more,
    }


@pytest.mark.parametrize(
    "payload",
    ['{"a":"\\ud800"}', '"\\ud800"', '"a\\u0000b"', '{"a":"\\u0000"}', "NaN", "[" * 900 + "]" * 900],
)
def test_no_payload_costs_the_lines_beside_it(payload, ana, fleet, twist):
    moment = now().isoformat()
    bodies = [
        f'{{"insert_id":"{name}","severity":"INFO","timestamp":"{moment}","payload":{words}}}'
        for name, words in (("odd", payload), ("good", '"good"'))
    ]
    twist["/get_log"] = lambda answer: f"[{','.join(bodies)}]".encode()

    again(watched(fleet["pallet-counter"]))

    assert (
        Line.objects.filter(insert_id="good").exists()
        or "makes no sense" in Harvest.objects.get().error_reading
    )


def watched(deployment):
    request_harvest(deployment, since=now() - timedelta(hours=1), now=now())
    return deployment


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_line_of_an_impossible_year_breaks_no_page(at, zone, ana, fleet, twist):
    type(ana.user).objects.update(timezone=zone)
    twist["/get_log"] = answered([line(1, now()) | {"timestamp": at}, line(2, now())])
    again(watched(fleet["pallet-counter"]))
    path = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/logs/"

    assert [
        ana.get(f"{path}{query}").status_code
        for query in ("", "?line=q1", f"?to={at[:19]}", f"?from={at[:19]}")
    ][:2] == [200, 200]
    assert {ana.get(f"{path}?{name}={at[:19]}").status_code for name in ("from", "to")} <= {200, 422}
    assert Line.objects.filter(insert_id="q2").exists()


def test_very_many_lines_in_one_answer_are_stored(ana, fleet, twist):
    moment = now()
    twist["/get_log"] = answered(
        [line(number, moment - timedelta(milliseconds=number)) for number in range(40_000)]
    )

    again(watched(fleet["pallet-counter"]))

    assert Line.objects.count() == 40_000


def test_a_smaller_maximum_of_roboflow_is_noticed_and_read_past(ana, fleet, twist):
    moment = now()
    lines = [line(number, moment - timedelta(seconds=number)) for number in range(200)]
    asked = []

    def at_most_60(answer):
        asked.append(1)
        return json.dumps(lines[59 * (len(asked) - 1) :][:60]).encode()

    twist["/get_log"] = at_most_60

    again(watched(fleet["pallet-counter"]))

    assert Line.objects.count() == 200 and len(asked) <= 5
