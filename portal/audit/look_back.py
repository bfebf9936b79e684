"""Looks for entries a stretch of the trail at a time: a rare one then costs no more in a long trail."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portal.audit.feed import FeedLine, feed_page
from portal.audit.models import Event
from portal.audit.stored import read_event
from portal.web.paging import decode_cursor, encode_cursor

STRETCH = 20_000  # entries that one page looks through


@dataclass(frozen=True)
class FoundPage:
    """The lines of a page, the cursor of the next one ("" at the end), and how far it looked back.

    `looked_back_to` is the time at which its stretch ends; None for a page that is full or the last one.
    """

    lines: list[FeedLine]
    next: str
    looked_back_to: datetime | None = None


def look_back(scope: QuerySet[Event], found: QuerySet[Event], *, cursor: str | None) -> FoundPage:
    """Return a page of `found`, which are some events of `scope`, from the next STRETCH events of `scope`."""
    newest_first = scope.order_by("-sequence")
    if after := decode_cursor(scope, cursor, ("-sequence",)):
        newest_first = newest_first.filter(sequence__lt=after[0])
    beyond = list(newest_first.values_list("sequence", flat=True)[STRETCH : STRETCH + 1])
    if not beyond:
        return FoundPage(*feed_page(found, cursor=cursor))
    lines, following = feed_page(found.filter(sequence__gt=beyond[0]), cursor=cursor)
    if following:
        return FoundPage(lines, following)
    end = read_event(beyond[0])
    return FoundPage(lines, encode_cursor([end.sequence + 1]), looked_back_to=end.at)
