"""A simulated day of a log that nobody looks at: every line is stored once, whatever the day brings."""

import contextlib
import os
import random
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from deployments.fleet.models import Deployment
from deployments.logs import harvest, reader
from deployments.logs.coverage import covered_spans
from deployments.logs.due import begin_harvests, publish_due_harvests
from deployments.logs.models import Gap, Line
from tests.logs.replay import START, Killed, Replay

MINUTE = timedelta(minutes=1)


@pytest.fixture
def seed():
    """The seed of this run: SEED, or another one each time."""
    number = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"SEED={number}")
    return number


def live_through(
    replay,
    monkeypatch,
    published,
    deployment,
    *,
    minutes,
    portal_ahead,
    is_down=lambda _: False,
    looks=4,
):
    """Let the portal run beside the log for so many minutes, and half an hour more.

    `portal_ahead(minute)` is the portal's clock minus the true time, `is_down(minute)` tells when it stands,
    and beat runs `looks` times in a minute.
    """
    monkeypatch.setattr(reader, "fetch_log_page", replay.fetch_log_page)
    Deployment.objects.exclude(pk=deployment.pk).update(status="paused")
    Deployment.objects.filter(pk=deployment.pk).update(status="ready")
    with time_machine.travel(START, tick=False) as traveller:
        for minute in range(minutes + 30):
            if minute < minutes:
                replay.write(START + minute * MINUTE)
            for part in range(looks):
                replay.at = START + (minute + part / looks) * MINUTE
                current = replay.at + portal_ahead(minute)
                traveller.move_to(current)
                if is_down(minute):
                    continue
                begin_harvests(now=current)
                publish_due_harvests(now=current)
                while published:
                    with contextlib.suppress(Killed):
                        harvest.harvest_deployment(published.pop())


def stored(deployment):
    return list(Line.objects.filter(deployment=deployment).values_list("insert_id", flat=True))


CASES = {
    "a quiet day": ({}, {}),
    "late and equal": ({"most_equal": 55}, {}),
    "portal five minutes ahead": ({}, {"portal_ahead": lambda _: timedelta(minutes=5)}),
    "portal five minutes behind": ({}, {"portal_ahead": lambda _: timedelta(minutes=-5)}),
    "roboflow three minutes ahead": ({"ahead": timedelta(minutes=3)}, {}),
    "the portal's clock steps": (
        {},
        {"portal_ahead": lambda minute: timedelta(minutes=(0, 5, -5, 0, -3)[minute // 18 % 5])},
    ),
    "failures and kills": ({"failures": 0.2, "kills": 0.1}, {}),
    "two hours down": ({}, {"is_down": lambda minute: 30 <= minute < 75}),
    "few lines in an answer": ({"caps": (40,), "most_equal": 35}, {}),
}


# Which spans are asked for depends on no database; what does depend on it is in these, and in the whole day.
TRIED = CASES if connection.vendor == "sqlite" else ("late and equal", "failures and kills")


@pytest.mark.parametrize("name", TRIED)
def test_every_line_is_stored_once_though_nobody_looks(name, ana, fleet, seed, published, monkeypatch):
    day, life = CASES[name]
    deployment = fleet["pallet-counter"]
    replay = Replay(seed=seed, lines_of_a_day=15_000, **day)
    life = {"portal_ahead": lambda _: timedelta(0)} | life

    live_through(replay, monkeypatch, published, deployment, minutes=90, **life)

    ids = stored(deployment)
    assert len(ids) == len(set(ids))
    assert len(replay.ids - set(ids)) == 0 and len(replay.ids) > 500
    assert not Gap.objects.exists()
    assert len(covered_spans(deployment.pk, since=START - timedelta(days=1))) == 1


def test_a_whole_day_with_failures_kills_a_clock_that_steps_and_a_pause_of_the_portal(
    ana, fleet, seed, published, monkeypatch
):
    deployment = fleet["pallet-counter"]
    lines = int(os.environ.get("LINES") or 10_000)
    replay = Replay(seed=seed, lines_of_a_day=lines, failures=0.02, kills=0.02)

    live_through(
        replay,
        monkeypatch,
        published,
        deployment,
        minutes=1440,
        portal_ahead=lambda minute: timedelta(minutes=(0, 5, -5)[minute // 200 % 3]),
        is_down=lambda minute: 500 <= minute < 600,
        looks=1,
    )

    ids = stored(deployment)
    assert (len(ids), len(replay.ids - set(ids))) == (len(replay.ids), 0)


def test_more_lines_of_one_moment_than_an_answer_holds_are_told_as_a_gap_and_the_others_are_stored(
    ana, fleet, seed, published, monkeypatch
):
    deployment = fleet["pallet-counter"]
    replay = Replay(seed=seed, lines_of_a_day=60_000, caps=(20,), most_equal=60, latest=timedelta(0))
    replay.write_first()  # of the first moment of a log, nothing could tell that there was more

    live_through(replay, monkeypatch, published, deployment, minutes=120, portal_ahead=lambda _: timedelta(0))

    lost = replay.ids - set(stored(deployment))
    moments = {line.timestamp for *_, line in replay.entries if line.insert_id in lost}
    told = set(Gap.objects.values_list("at", flat=True))
    assert moments and moments <= told
    counts = Counter(line.timestamp for *_, line in replay.entries)
    assert all(counts[moment] >= 20 for moment in told)  # at least as many as an answer holds
