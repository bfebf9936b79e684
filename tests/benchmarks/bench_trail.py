"""The trail: appending against a plain insert, verifying against hashing the stored bytes."""

import hashlib

from django.utils.timezone import now


def test_append(measure, stock):
    from django.db import transaction

    from portal.audit.append import append_event
    from portal.audit.models import Event
    from portal.audit.origin import Origin

    by = Origin(actor_id=stock.user.pk, actor_name="Bench", ip="10.1.2.3")

    def ours():
        with transaction.atomic():
            append_event(
                "deployment.pause.succeeded",
                by=by,
                at=now(),
                workspace=stock.workspace,
                reason="the line stands",
            )

    numbers = iter(range(10**9, 2 * 10**9))

    def plain():
        with transaction.atomic():
            Event.objects.create(
                sequence=next(numbers),
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

    measure("Appending an entry", ours, plain, against="plain insert", goal=3)


def test_verify(measure, stock):
    from portal.audit.models import Event
    from portal.audit.verify import verify_trail

    count = Event.objects.filter(sequence__lt=10**9).count()
    one = measure(
        f"Verifying {count} entries",
        verify_trail,
        lambda: [hashlib.sha256(b"x" * 400).digest() for _ in range(count)],
        against="SHA-256 over 400 bytes each",
        goal=20,
        rounds=3,
    )
    rate = count / (min(one.ours_ms) / 1000)
    measure("Entries verified in a second", goal=100_000, figure=rate, unit="a second", at_least=True)
