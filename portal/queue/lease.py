"""An expiring lease with a fencing number, in the database: one per periodic task and subject."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DatabaseError, connection

from portal.clock import now as clock
from portal.queue.models import Lease

log = structlog.get_logger(__name__)
LEASE_SECONDS = 15.0
LONGEST = timedelta(
    hours=1
)  # no lease is taken for so long: a later end was written before the clock was set back
FREE = datetime(1970, 1, 1, tzinfo=UTC)  # over, whatever the clock says later
# Django has no update that returns a value, and takes longer to write one than the database to run it.
TAKE = (
    'UPDATE "queue_lease" SET "holder" = %s, "expires_at" = %s, "fence" = "fence" + 1'
    ' WHERE "name" = %s AND ("expires_at" <= %s OR "expires_at" > %s) RETURNING "fence"'
)


@dataclass(frozen=True)
class Held:
    """A lease that we hold: its name, our fencing number, our mark."""

    name: str
    fence: int
    holder: str


def take_lease(name: str, *, seconds: float, now: datetime) -> Held | None:
    """Take the lease `name` for `seconds`, or return None while somebody else holds it."""
    holder = uuid.uuid4().hex
    if held := take_free_lease(name, holder, seconds=seconds, now=now):
        return held
    # Somebody has it, or nobody ever had it.
    created = Lease(name=name, expires_at=now - timedelta(seconds=1))
    Lease.objects.bulk_create([created], ignore_conflicts=True)
    return take_free_lease(name, holder, seconds=seconds, now=now)


def take_free_lease(name: str, holder: str, *, seconds: float, now: datetime) -> Held | None:
    """Take a lease that was held before and is free; return None for any other."""
    times = (now + timedelta(seconds=seconds), now, now + LONGEST)
    until, current_time, longest = map(connection.ops.adapt_datetimefield_value, times)
    with connection.cursor() as cursor:
        cursor.execute(TAKE, (holder, until, name, current_time, longest))
        row = cursor.fetchone()
    return Held(name, row[0], holder) if row else None


def is_still_held(held: Held) -> bool:
    """Return whether the lease is still ours. Call it inside the transaction that the lease guards."""
    ours = Lease.objects.select_for_update().filter(name=held.name, fence=held.fence, holder=held.holder)
    return ours.exists()


def release_lease(held: Held, *, now: datetime) -> None:
    """Give the lease back, unless somebody else has taken it meanwhile."""
    ours = Lease.objects.filter(name=held.name, fence=held.fence, holder=held.holder)
    ours.update(expires_at=min(now, FREE))


@contextmanager
def holding_lease(name: str, *, now: datetime, seconds: float = LEASE_SECONDS) -> Iterator[Held | None]:
    """Hold the lease `name` for the block, however long; the block gets None when another holder has it.

    It is short and renewed while its holder lives, so that a holder that is killed blocks nobody for long.
    """
    held = take_lease(name, seconds=seconds, now=now)
    is_done = threading.Event()
    if held:
        renewing = threading.Thread(
            target=renew_lease,
            args=(held, is_done),
            kwargs={"seconds": seconds},
            name=f"lease {name}",
            daemon=True,
        )
        renewing.start()
    try:
        yield held
    finally:
        is_done.set()
        if held:
            release_lease(held, now=now)


def renew_lease(held: Held, is_done: threading.Event, *, seconds: float) -> None:
    """Renew a lease until it is done with; runs in a thread of its own, on a connection of its own."""
    try:
        while not is_done.wait(seconds / 3):
            ours = Lease.objects.filter(name=held.name, fence=held.fence, holder=held.holder)
            if not ours.update(expires_at=clock() + timedelta(seconds=seconds)):
                return
    except DatabaseError:
        log.warning("lease_not_renewed", lease=held.name)  # it runs out; what it guards is fenced
    finally:
        connection.close()
