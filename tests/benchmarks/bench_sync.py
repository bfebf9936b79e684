"""The sync of a list of 10,000 against reading the same answer with json.loads."""

import json
import random
import tracemalloc

import pytest

from tests.benchmarks.data import answer_of, entry_of_list


@pytest.fixture
def roboflow(monkeypatch):
    """Roboflow's next answer to `/list`; the network takes no time."""
    from deployments.roboflow import client
    from deployments.roboflow.transport import Answer

    body = {"list": b"[]"}
    monkeypatch.setattr(client, "send_request", lambda *args, **fields: Answer(200, None, body["list"]))
    return body


@pytest.fixture
def sync(stock, monkeypatch):
    """Sync the workspace once; nothing is published."""
    from deployments.fleet import sync as room

    monkeypatch.setattr(room, "publish", lambda *args: True)
    return lambda: room.sync_workspace(stock.workspace.pk)


def changed_list(stock, share, seed):
    """Return the list with so many deployments that have another number of replicas."""
    rng, entries = random.Random(seed), [entry_of_list(number) for number in range(len(stock.deployments))]
    for entry in rng.sample(entries, max(1, int(share * len(entries)))):
        entry["num_replicas"] = seed % 3 + 2
    return answer_of(entries)


def test_unchanged(roboflow, sync, measure, stock):
    roboflow["list"] = stock.answer
    sync()
    sync()
    assert synced_without_error(stock)
    measure(
        "Sync of an identical list", sync, lambda: json.loads(stock.answer), against="json.loads", goal=0.3
    )


def test_one_per_cent_changed(roboflow, sync, measure, stock):
    from django.db import connection

    answers = [changed_list(stock, 0.01, seed) for seed in range(4)]
    turn = iter(range(10**6))

    def ours():
        roboflow["list"] = answers[next(turn) % len(answers)]
        sync()

    measure(
        "Sync, 1 % changed",
        ours,
        lambda: json.loads(answers[0]),
        against="json.loads",
        goal=2.5 if connection.vendor == "sqlite" else 3,
    )
    assert synced_without_error(stock)
    roboflow["list"] = stock.answer
    sync()


def test_memory(roboflow, sync, measure, stock):
    for name, answer in (("identical", stock.answer), ("1 % changed", changed_list(stock, 0.01, 9))):
        roboflow["list"] = stock.answer
        sync()
        roboflow["list"] = answer
        tracemalloc.start()
        sync()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        measure(
            f"Memory of a sync, {name}",
            goal=3,
            figure=peak / len(answer),
            unit="x the answer, beside it",
        )


def synced_without_error(stock):
    stock.workspace.refresh_from_db()
    assert stock.workspace.sync_error_reading == ""
    return True
