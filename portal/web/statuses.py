"""The statuses of deployments, and the states and outcomes of the portal, as pages show them."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

STATUS_STYLES = {  # status to (icon, CSS class, word)
    "pending": ("loader", "pending", gettext_noop("pending")),
    "ready": ("disc", "ready", gettext_noop("ready")),
    "paused": ("pause", "paused", gettext_noop("paused")),
    "failed": ("x", "failed", gettext_noop("failed")),
    "expired": ("clock", "expired", gettext_noop("expired")),
    "deleted": ("minus", "deleted", gettext_noop("deleted")),
    "gone": ("minus", "deleted", gettext_noop("gone")),
    "queued": ("clock", "pending", gettext_noop("queued")),
    "sending": ("loader", "pending", gettext_noop("sending")),
    "accepted": ("loader", "pending", gettext_noop("accepted")),
    "succeeded": ("check", "ready", gettext_noop("succeeded")),
    "cancelled": ("minus", "deleted", gettext_noop("cancelled")),
    "unknown": ("help", "unknown", gettext_noop("unknown")),
    "needs_attention": ("alert", "failed", gettext_noop("needs attention")),
    "resolved": ("check", "ready", gettext_noop("resolved")),
    "requested": ("clock", "pending", gettext_noop("requested")),
    "refused": ("x", "failed", gettext_noop("refused")),
    "observed": ("eye", "deleted", gettext_noop("observed")),
    "valid": ("check", "ready", gettext_noop("valid")),
    "on": ("check", "ready", gettext_noop("on")),
    "unchecked": ("help", "unknown", gettext_noop("unchecked")),
    "unreadable": ("x", "failed", gettext_noop("unreadable")),
    "unobserved": ("minus", "deleted", gettext_noop("unobserved")),
    "none": ("minus", "deleted", gettext_noop("none")),
}
UNKNOWN_STYLE = ("help", "other", "")


def status_text(status: str) -> str:
    """Return the word for a status. One that the table lacks keeps its own, with spaces; "" stays ""."""
    word = STATUS_STYLES.get(status, UNKNOWN_STYLE)[2]
    return _(word) if word else status.replace("_", " ")
