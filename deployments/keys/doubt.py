"""Keys in doubt: a call was refused with 401. That may be a mistake in passing, so the key stays in use.

    valid --401 in a call--> doubted --the key check accepts it, or a call succeeds--> valid
                             doubted --the key check refuses it--> refused

Only the last step is audited. Each doubt makes the next check come later, until a call succeeds: a key that
passes the check and is refused by the calls must not be checked every few seconds for ever.
"""

from datetime import datetime, timedelta

from django.db.models import F

from deployments.keys.breaker import back_off
from deployments.keys.models import CHECKED_STATES, LONGEST_CHECK_WAIT, ApiKey, KeyState

LONGEST_BACK_OFF = timedelta(minutes=10)  # between two checks of one key, unless a Retry-After is longer


def doubt_key(key: ApiKey, upstream_text: str, *, now: datetime) -> None:
    """Mark a valid key as doubted, because a call with it was refused, and let it be checked soon.

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
        next_check_at=now + back_off(doubts + 1, longest=LONGEST_BACK_OFF),
    )


def postpone_check(key: ApiKey, *, now: datetime, retry_after_seconds: float | None = None) -> None:
    """Let a key that the check could not decide about be checked again, later than the last time.

    That is not before Roboflow's Retry-After is over, but within an hour.
    """
    retry_after = timedelta(seconds=retry_after_seconds or 0)
    wait = max(back_off(key.doubts + 1, longest=LONGEST_BACK_OFF), retry_after)
    waiting = ApiKey.objects.filter(pk=key.pk, state__in=CHECKED_STATES)
    waiting.update(doubts=F("doubts") + 1, next_check_at=now + min(wait, LONGEST_CHECK_WAIT))


def clear_doubts(key: ApiKey) -> None:
    """Write that a call with the key succeeded: it is valid, and its next doubt is the first one again."""
    if key.state != KeyState.DOUBTED and not key.doubts:
        return  # the usual case: as it was read, so nothing is to be written
    stored = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed)
    fields = {"doubts": 0, "next_check_at": None, "refusal": "", "refused_at": None}
    stored.filter(state=KeyState.DOUBTED).update(state=KeyState.VALID, **fields)
    stored.filter(state=KeyState.VALID).update(doubts=0, next_check_at=None)
