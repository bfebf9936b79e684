"""Keys in doubt: a call was refused with 401. It may be Roboflow's mistake, so the key goes on working meanwhile.

    valid --401 in a call--> doubted --the key check accepts it, or a call succeeds--> valid
                             doubted --the key check refuses it--> refused

Nothing of this is audited but the last step. Each doubt makes the next check come later, until a call succeeds:
a key that passes the check and is refused by the calls must not be checked every few seconds for ever.
"""

from datetime import datetime, timedelta

from django.db.models import F

from deployments.keys.models import LONGEST_CHECK_BACK_OFF, ApiKey, KeyState

FIRST_BACK_OFF = timedelta(seconds=5)
MAX_DOUBLINGS = 7  # from 5 s to more than 10 minutes


def check_back_off(doubts: int) -> timedelta:
    """Return the time until the next check, after so many doubts (1 or more) since the last successful call."""
    doublings = min(max(doubts - 1, 0), MAX_DOUBLINGS)
    return min(FIRST_BACK_OFF * 2**doublings, LONGEST_CHECK_BACK_OFF)


def doubt_key(key: ApiKey, upstream_text: str, *, now: datetime) -> None:
    """Mark a valid key that a call of was refused as doubted, and let it be checked soon.

    Do nothing if it is in another state by now, or was replaced or sealed again meanwhile.
    """
    stored = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed, state=KeyState.VALID)
    doubts = stored.values_list("doubts", flat=True).first()
    if doubts is None:
        return
    stored.filter(doubts=doubts).update(
        state=KeyState.DOUBTED,
        refusal=upstream_text,
        refused_at=now,
        doubts=doubts + 1,
        next_check_at=now + check_back_off(doubts + 1),
    )


def postpone_check(key: ApiKey, *, now: datetime, not_before: datetime | None = None) -> None:
    """Let a key, of which the check gave no answer, be checked again after a longer time."""
    doubts = ApiKey.objects.filter(pk=key.pk).values_list("doubts", flat=True).first() or 0
    due_at = now + check_back_off(doubts + 1)
    if not_before:
        due_at = min(max(due_at, not_before), now + LONGEST_CHECK_BACK_OFF)
    waiting = ApiKey.objects.filter(pk=key.pk, state__in=(KeyState.DOUBTED, KeyState.UNCHECKED))
    waiting.update(doubts=F("doubts") + 1, next_check_at=due_at)


def clear_doubts(key: ApiKey) -> None:
    """Write that a call with the key succeeded: it is valid, and its next doubt is the first one again."""
    if key.state != KeyState.DOUBTED and not key.doubts:
        return  # the usual case: as it was read, so nothing is to be written
    stored = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed)
    fields = {"doubts": 0, "next_check_at": None, "refusal": "", "refused_at": None}
    stored.filter(state=KeyState.DOUBTED).update(state=KeyState.VALID, **fields)
    stored.filter(state=KeyState.VALID).update(doubts=0, next_check_at=None)
