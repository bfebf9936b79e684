"""The trail: appending against a plain insert, verifying against hashing the stored bytes."""

import hashlib
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from django.utils.timezone import now

from portal.call_stack import call_with_room

WRITERS, EACH = 8, 20
PLAIN = count(10**9)  # the sequences of entries that are no part of the chain


@pytest.fixture
def append(stock):
    """Return a job that appends one entry to the trail."""
    from django.db import transaction

    from portal.audit.append import append_event
    from portal.audit.origin import Origin

    by = Origin(actor_id=stock.user.pk, actor_name="Bench", ip="10.1.2.3")

    def job():
        with transaction.atomic():
            append_event(
                "deployment.pause.succeeded",
                by=by,
                at=now(),
                workspace=stock.workspace,
                reason="the line stands",
            )

    return job


def insert():
    """Insert an entry that is no part of the chain."""
    from django.db import transaction

    from portal.audit.models import Event

    with transaction.atomic():
        Event.objects.create(
            sequence=next(PLAIN),
            at=now(),
            actor_id=1,
            actor_name="Bench",
            ip="10.1.2.3",
            source="portal",
            action="deployment.pause.succeeded",
            outcome="done",
            workspace_id=1,
            reason="the line stands",
            previous_hash="0" * 64,
            hash="0" * 64,
        )


def test_append(measure, append):
    measure("Appending an entry", append, insert, against="plain insert", goal=3)


def test_eight_writers(measure, append):
    def append_some():
        for _ in range(EACH):
            call_with_room(append)

    with ThreadPoolExecutor(WRITERS) as pool:

        def ours():
            for one in [pool.submit(append_some) for _ in range(WRITERS)]:
                one.result()

        measure(
            f"{WRITERS} writers at the one head, {WRITERS * EACH} entries",
            ours,
            lambda: [insert() for _ in range(WRITERS * EACH)],
            against="as many plain inserts by one writer",
            goal=10,
        )
        for one in [pool.submit(close_connection) for _ in range(WRITERS * 4)]:
            one.result()


def close_connection():
    """Close this thread's connection, so that the database can be removed."""
    from django.db import connection

    time.sleep(0.01)  # so that each thread gets one
    connection.close()


def test_verify(measure, stock):
    from portal.audit.models import Event
    from portal.audit.verify import verify_trail

    number = Event.objects.filter(sequence__lt=10**9).count()
    one = measure(
        f"Verifying {number} entries",
        verify_trail,
        lambda: [hashlib.sha256(b"x" * 400).digest() for _ in range(number)],
        against="SHA-256 over 400 bytes each",
        goal=20,
        rounds=3,
    )
    rate = number / (min(one.ours_ms) / 1000)
    measure("Entries verified in a second", goal=100_000, figure=rate, unit="a second", at_least=True)
    tracemalloc.start()
    verify_trail()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    measure("Memory of a verification", goal=20, figure=peak / 1e6, unit="MB")
