"""Times in words: how long ago, how long, and exactly when."""

from datetime import datetime, timedelta

from django.utils import timezone

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span_text(span: timedelta) -> str:
    """Return a span in its two largest units: "1 h 12 min"."""
    left = max(0, int(span.total_seconds()))
    if left < 60:
        return f"{left} s"
    parts: list[tuple[int, str]] = []
    for size, unit in UNITS[:3]:
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def ago_text(at: datetime | None, now: datetime) -> str:
    """Return "8 s ago", "5 min ago", "3 d ago"; the one largest unit is enough."""
    if at is None:
        return "never"
    seconds = int((now - at).total_seconds())
    if seconds < 0:
        return f"in {span_text(at - now)}"
    if seconds < 2:
        return "just now"
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def exact_text(at: datetime) -> str:
    """Return the exact time in the person's zone, with its name."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
