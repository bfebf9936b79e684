"""An expiring lease with a fencing number, in the database: one per periodic task and subject."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DatabaseError, connection
from django.db.models import F, Q
from django.utils.timezone import now as clock

from portal.queue.models import Lease

log = structlog.get_logger(__name__)
LEASE_SECONDS = 15.0
LONGEST = timedelta(hours=1)
FREE = datetime(1970, 1, 1, tzinfo=UTC)  # whatever the clock says later, it is over


@dataclass(frozen=True)
class Held:
    """A lease that we hold: its name, our number, our mark."""

    name: str
    fence: int
    holder: str


def take_lease(name: str, *, seconds: float, now: datetime) -> Held | None:
    """Take the lease `name` for `seconds`, or return None while somebody else holds it."""
    holder = uuid.uuid4().hex
    until = now + timedelta(seconds=seconds)
    Lease.objects.bulk_create(
        [Lease(name=name, expires_at=now - timedelta(seconds=1))], ignore_conflicts=True
    )
    free = Q(expires_at__lte=now) | Q(
        expires_at__gt=now + LONGEST
    )  # nobody takes one for so long: the clock was set back since
    if not Lease.objects.filter(free, name=name).update(
        holder=holder, expires_at=until, fence=F("fence") + 1
    ):
        return None
    fence = Lease.objects.filter(name=name, holder=holder).values_list("fence", flat=True).first()
    return Held(name, fence, holder) if fence is not None else None


def is_still_held(held: Held) -> bool:
    """Say whether the lease is still ours; call it inside the transaction that writes what the lease guards."""
    return (
        Lease.objects.select_for_update()
        .filter(name=held.name, fence=held.fence, holder=held.holder)
        .exists()
    )


def release_lease(held: Held, *, now: datetime) -> None:
    """Give the lease back, unless somebody else has taken it meanwhile."""
    Lease.objects.filter(name=held.name, fence=held.fence, holder=held.holder).update(
        expires_at=min(now, FREE)
    )


@contextmanager
def holding_lease(name: str, *, now: datetime, seconds: float = LEASE_SECONDS) -> Iterator[Held | None]:
    """Hold the lease `name` for the block, however long that takes; the block gets None when somebody else holds it.

    It is short and renewed while its holder lives: whoever is killed in the middle stops nobody for long.
    """
    held = take_lease(name, seconds=seconds, now=now)
    done = threading.Event()
    if held:
        threading.Thread(
            target=renew_lease,
            args=(held, done),
            kwargs={"seconds": seconds},
            name=f"lease {name}",
            daemon=True,
        ).start()
    try:
        yield held
    finally:
        done.set()
        if held:
            release_lease(held, now=now)


def renew_lease(held: Held, done: threading.Event, *, seconds: float) -> None:
    """Renew a lease until it is done with; runs in a thread of its own, on a connection of its own."""
    try:
        while not done.wait(seconds / 3):
            mine = Lease.objects.filter(name=held.name, fence=held.fence, holder=held.holder)
            if not mine.update(expires_at=clock() + timedelta(seconds=seconds)):
                return
    except DatabaseError:
        log.warning("lease_not_renewed", lease=held.name)  # it runs out; what it guards is fenced
    finally:
        connection.close()
