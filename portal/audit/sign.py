"""Signs the head of the trail from time to time, so that verification notices a cut-off end."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from portal.audit.chain import head_statement, public_key_of, sign_message
from portal.audit.keep_witness import check_last_statement, keep_statement
from portal.audit.models import Head, SignedHead
from portal.audit.stored import newest_signed_head
from portal.audit.trail_keys import store_trail_key
from portal.audit.verify import load_head, verify_chain

log = structlog.get_logger(__name__)
SIGN_EVERY = timedelta(seconds=45)  # the task runs every 15 s: no entry is unsigned for more than a minute


def sign_when_due(*, now: datetime) -> SignedHead | None:
    """Sign the head if none was signed within SIGN_EVERY before `now`. Return the signed head, or None."""
    newest = SignedHead.objects.order_by("-signed_at").first()
    if newest is not None and now - newest.signed_at < SIGN_EVERY:
        return None
    return sign_head(now=now)


def sign_head(*, now: datetime) -> SignedHead | None:
    """Sign the head, unless it did not move or its entries do not follow from what was signed or kept before.

    The signed statement is also written to the log stream: access to the database is not enough to change it
    there.
    """
    newest = newest_signed_head()
    if not follows_from(newest) or not check_last_statement(now=now):
        return None
    head = load_head()  # without a lock: a head that moves on meanwhile is signed the next time
    if not head.sequence or is_signed_already(head, newest):
        return None
    with transaction.atomic(durable=True):
        store_trail_key(now=now)
        statement = head_statement(sequence=head.sequence, hash=head.hash, signed_at=now)
        signature, public_key = sign_message(statement, private_key=settings.PORTAL_TRAIL_KEY)
        signed = SignedHead.objects.create(
            sequence=head.sequence,
            hash=head.hash,
            signed_at=now,
            signature=signature,
            public_key=public_key,
        )
    log.info(
        "trail_head_signed",
        sequence=signed.sequence,
        hash=signed.hash,
        signed_at=now.isoformat(),
        signature=signature,
        public_key=public_key,
    )
    keep_statement(signed)
    return signed


def follows_from(newest: SignedHead | None) -> bool:
    """Return whether all entries since the `newest` signed head (None: all entries) form an intact chain.

    A signature confirms its entries, so altered entries are not signed: a log line names the first one.
    """
    finding, _ = verify_chain(first=newest.sequence if newest else 1, last=load_head().sequence)
    if not finding.ok:
        log.error("trail_head_not_signed", sequence=finding.sequence, why=finding.message)
    return finding.ok


def is_signed_already(head: Head, newest: SignedHead | None) -> bool:
    """Return whether `newest` signs this head with the key in use."""
    return (
        newest is not None
        and newest.sequence == head.sequence
        and newest.public_key == public_key_of(settings.PORTAL_TRAIL_KEY)
    )
