"""Harvests: every line is stored once, masked, and what could not be read is recorded."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.logs import due
from deployments.logs.due import publish_due_harvests, request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Harvest, Line


def entry(number, timestamp):
    """One log entry as Roboflow writes it."""
    return {
        "insert_id": f"q{number}",
        "payload": "x",
        "severity": "INFO",
        "timestamp": timestamp.isoformat(),
    }


def test_lines_are_stored_once_however_often_they_are_read(harvest):
    harvest()
    first_ids = set(Line.objects.values_list("insert_id", flat=True))

    harvest()

    ids = list(Line.objects.values_list("insert_id", flat=True))
    assert len(first_ids) > 10
    assert first_ids <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_line_that_appears_late_is_stored_by_the_next_harvest(harvest):
    harvest()
    late = Line.objects.filter(timestamp__gt=Harvest.objects.get().read_to - timedelta(seconds=55))
    late_ids = set(late.values_list("insert_id", flat=True))
    assert late_ids
    late.delete()  # as if the first harvest had not been given them

    harvest()

    assert late_ids <= set(Line.objects.values_list("insert_id", flat=True))


def test_keys_in_lines_are_masked_before_they_are_stored(harvest):
    harvest()

    text = "".join(Line.objects.values_list("payload", flat=True))
    assert "api_key=***" in text
    assert "sandbox-key" not in text


def test_two_people_who_look_cause_one_harvest_in_three_seconds(ana, ben, deployment, path, sandbox):
    calls = []
    with time_machine.travel(now(), tick=False) as clock:
        for person in (ana, ben, ana, ben):
            person.get(path)
            harvest_deployment(deployment.pk)
            calls.append(sandbox.calls()["/get_log"])
        clock.shift(3)
        harvest_deployment(deployment.pk)

    assert calls == [calls[0]] * 4
    assert sandbox.calls()["/get_log"] > calls[0] > 0


def test_a_log_is_read_until_twenty_seconds_after_the_last_look(deployment, published):
    start = now()
    request_harvest(deployment, since=start - timedelta(hours=1), now=start)
    first = list(published)
    Harvest.objects.update(asked_at=None)  # a worker took it

    wanted = publish_due_harvests(now=start + timedelta(seconds=19))
    Harvest.objects.update(asked_at=None)
    afterwards = publish_due_harvests(now=start + timedelta(seconds=21))

    assert first == [deployment.pk]
    assert (wanted, afterwards) == (1, 0)
    assert published == first * 2


def test_one_harvest_of_a_log_waits_however_often_it_is_asked_for(ana, ben, deployment, path, published):
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        for second in range(60):
            for person in (ana, ben):
                person.get(path)
            publish_due_harvests(now=start + timedelta(seconds=second))
            clock.shift(1)

    assert published == [deployment.pk]


def test_the_next_harvest_is_published_once_a_worker_took_the_last_one(ana, deployment, path, published):
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        ana.get(path)
        harvest_deployment(deployment.pk)
        too_early = publish_due_harvests(now=now())
        clock.shift(4)
        due = publish_due_harvests(now=now())

    assert (too_early, due) == (0, 1)


def test_a_message_that_the_broker_lost_is_published_again_after_two_minutes(deployment, published):
    start = now()
    request_harvest(deployment, since=start, now=start)
    Harvest.objects.update(wanted_until=start + timedelta(minutes=5))

    counts = [publish_due_harvests(now=start + timedelta(seconds=seconds)) for seconds in (5, 119, 120, 121)]

    assert counts == [0, 0, 1, 0]


def test_a_harvest_that_the_broker_did_not_take_is_published_by_the_next_beat(deployment, monkeypatch):
    answers = [False, False, True]
    monkeypatch.setattr(due, "publish", lambda task, pk: answers.pop(0))
    start = now()
    request_harvest(deployment, since=start, now=start)

    counts = [publish_due_harvests(now=start + timedelta(seconds=seconds)) for seconds in (1, 2, 3)]

    assert counts == [0, 1, 0]


def test_times_from_before_the_clock_was_set_back_hold_nothing_up(deployment, published):
    start = now()
    request_harvest(deployment, since=start, now=start)
    Harvest.objects.update(asked_at=start + timedelta(hours=1), harvested_at=start + timedelta(hours=1))

    assert publish_due_harvests(now=start + timedelta(seconds=1)) == 1


def test_an_error_of_roboflow_stays_in_its_box_until_a_harvest_succeeds(ana, harvest, path, sandbox):
    harvest()
    sandbox.fault("/get_log", "status", 0, status=500, text="log store <down>")
    harvest()
    page_with_error = ana.get(path).content.decode()

    sandbox.clear_faults()
    harvest()

    page = ana.get(path).content.decode()
    assert "log store &lt;down&gt;" in page_with_error
    assert "Showing stored lines" in page_with_error
    assert "log store" not in page


@pytest.mark.parametrize(
    "payload",
    ['{"a":"\\ud800"}', '"\\ud800"', '"a\\u0000b"', '{"a":"\\u0000"}', "NaN", "[" * 900 + "]" * 900],
)
def test_no_payload_costs_the_lines_beside_it(payload, harvest, twist):
    timestamp = now().isoformat()
    bodies = [
        f'{{"insert_id":"{name}","severity":"INFO","timestamp":"{timestamp}","payload":{value}}}'
        for name, value in (("odd", payload), ("good", '"good"'))
    ]
    twist["/get_log"] = lambda answer: f"[{','.join(bodies)}]".encode()

    harvest()

    is_stored = Line.objects.filter(insert_id="good").exists()
    assert is_stored or "makes no sense" in Harvest.objects.get().error_reading


def test_very_many_lines_in_one_answer_are_stored(harvest, twist):
    start = now()
    entries = [entry(number, start - timedelta(milliseconds=number)) for number in range(40_000)]
    answers = iter([json.dumps(entries).encode()])
    twist["/get_log"] = lambda answer: next(answers, b"[]")

    harvest()

    assert Line.objects.count() == 40_000
