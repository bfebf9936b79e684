"""The public keys whose signatures under heads count: of the trail key in use, and of former ones.

The public key of each trail key is stored when it first signs, sealed by the vault. So it travels in every
back-up, and counts wherever one of the vault keys is known: on another machine, and after the trail key was
replaced. A key that somebody else wrote into the database or into a back-up does not open, and does not
count.
"""

import json
from datetime import datetime

from django.conf import settings
from django.db import transaction

from portal.audit.chain import public_key_of
from portal.audit.models import TrailKey
from portal.vault import Unreadable, is_newest, open_text, seal_text

PURPOSE = "trail key"  # sealed with the public key: nothing that was sealed for another purpose counts


def trail_keys() -> set[str]:
    """Return the public keys whose signatures count: of the key in use, and of former keys."""
    return {public_key_of(settings.PORTAL_TRAIL_KEY), *former_trail_keys()}


def former_trail_keys() -> set[str]:
    """Return the public keys of former trail keys: those in the settings, and those that the vault sealed."""
    kept = {row.public_key for row in TrailKey.objects.all() if is_proven(row)}
    in_use = public_key_of(settings.PORTAL_TRAIL_KEY)
    return {*settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS, *kept} - {in_use}


def is_proven(row: TrailKey) -> bool:
    """Return whether a vault key of this portal sealed the public key in `row`."""
    try:
        content = json.loads(open_text(row.sealed))
    except (Unreadable, ValueError):
        return False
    return bool(content == [PURPOSE, row.public_key])


def store_trail_key(*, now: datetime) -> None:
    """Store the public key of the trail key in use, unless it is stored. Call it before a head is signed."""
    public_key = public_key_of(settings.PORTAL_TRAIL_KEY)
    row = TrailKey.objects.filter(public_key=public_key).first()
    if row and is_proven(row):
        return
    sealed = seal_text(json.dumps([PURPOSE, public_key]))
    TrailKey.objects.update_or_create(
        public_key=public_key,
        defaults={"sealed": sealed},
        create_defaults={"sealed": sealed, "first_used_at": now},
    )


@transaction.atomic
def reseal_trail_keys() -> int:
    """Re-seal the public keys that an older vault key sealed; return how many. Others stay as they are."""
    older = [row for row in TrailKey.objects.order_by("pk") if is_proven(row) and not is_newest(row.sealed)]
    for row in older:
        row.sealed = seal_text(json.dumps([PURPOSE, row.public_key]))
        row.save(update_fields=["sealed"])
    return len(older)
