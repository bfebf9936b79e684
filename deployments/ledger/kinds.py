"""The kinds of change that the portal asks of Roboflow: one table with all that differs between them. Pure.

A new kind is one new row of `Kind`, with a method of the client, an endpoint of the sandbox, and its buttons.
Addresses, forms, the client call, the texts of pages and trail, and the rules of when a change is possible
and when it is done are all read from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The events of an operation, by the last part of their action. People read: actor, sentence, deployment.
EVENT_SENTENCES = {
    "requested": _("asked to {verb}"),
    "refused": _("was refused to {verb}"),
    "unknown": _("asked to {verb}, outcome not known yet:"),
    "succeeded": _("{past}"),
    "failed": _("failed to {verb}"),
    "cancelled": _("cancelled the request to {verb}"),
    "needs_attention": _("asked to {verb}, needs attention:"),
    "resolved": _("asked to {verb}, now resolved:"),
    "dismissed": _("dismissed the unsuccessful request to {verb}"),
    "outside": _("was {past}"),  # the change happened at Roboflow without an operation of ours
}


# Roboflow's documented statuses. They are an open set: others are stored and shown as they are.
READY, PENDING, PAUSED, FAILED = "ready", "pending", "paused", "failed"
DELETED, EXPIRED = "deleted", "expired"
ENDED_STATUSES = (DELETED, EXPIRED)  # these do not come back: nothing is possible any more


@dataclass(frozen=True, kw_only=True)
class KindFacts:
    """All that the portal knows about one kind of change. Statuses are Roboflow's raw words."""

    label: "StrOrPromise"
    verb: "StrOrPromise"  # "pause": after "asked to"
    progressive: "StrOrPromise"  # "pausing": while the operation is open
    past: "StrOrPromise"  # "paused": when the operation succeeded
    endpoint: str  # Roboflow's path
    client_method: str  # of deployments.roboflow.client.Client
    consequence: "StrOrPromise"  # what it does to a deployment, for the person who confirms it
    asked_status: str  # the status that a person wants to see in the end

    # Reported statuses that prove that it was done. Empty: any status but those of `not_done_when`.
    done_when: frozenset[str] = frozenset()
    not_done_when: frozenset[str] = frozenset()

    # Statuses from which it is possible. Empty: any status but those of `not_from`.
    only_from: frozenset[str] = frozenset()
    not_from: frozenset[str] = frozenset()

    # Its effect: a reported step from a status of `step_from` (empty: any) to one of `step_to`.
    step_from: frozenset[str] = frozenset()
    step_to: frozenset[str] = frozenset()

    makes_new: bool = False  # there is no deployment yet; Roboflow's answer contains the id
    removes: bool = False  # the form asks for the name, and absence at Roboflow proves that it was done
    ends_log: bool = False  # the server stops: its newest log lines are read before
    may_resend: bool = True  # after a lost answer, when Roboflow shows that it did not happen


NO_FACTS = KindFacts(
    label="",
    verb="",
    progressive="",
    past="",
    endpoint="",
    client_method="",
    consequence="",
    asked_status="",
)


class Kind(StrEnum):
    """One kind of change; `facts` is its row of the table.

    Sources: Roboflow's page on the HTTP API, and its Python client 1.7.3.
    """

    facts: KindFacts

    def __new__(cls, value: str, facts: KindFacts = NO_FACTS) -> "Kind":
        """Return a member that equals `value` and carries `facts`. A look-up, `Kind("pause")`, gives none."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.facts = facts
        return member

    CREATE = (
        "create",
        KindFacts(
            label=_("Create"),
            verb=_("create"),
            progressive=_("creating"),
            past=_("created"),
            endpoint="/add",
            client_method="add",
            consequence=_("A new deployment costs from the moment that it is ready."),
            asked_status="ready",
            not_done_when=frozenset({"failed"}),
            makes_new=True,
            may_resend=False,  # a second /add would make, and bill, a second deployment
        ),
    )
    PAUSE = (
        "pause",
        KindFacts(
            label=_("Pause"),
            verb=_("pause"),
            progressive=_("pausing"),
            past=_("paused"),
            endpoint="/pause",
            client_method="pause",
            consequence=_("A paused deployment does not answer, and costs nothing."),
            asked_status="paused",
            done_when=frozenset({"paused"}),
            not_from=frozenset({"paused"}),
            ends_log=True,
            step_to=frozenset({"paused"}),
        ),
    )
    RESUME = (
        "resume",
        KindFacts(
            label=_("Resume"),
            verb=_("resume"),
            progressive=_("resuming"),
            past=_("resumed"),
            endpoint="/resume",
            client_method="resume",
            consequence=_("A resumed deployment takes a while to start, and costs again."),
            asked_status="ready",
            done_when=frozenset({"pending", "ready"}),
            only_from=frozenset({"paused"}),
            step_from=frozenset({"paused"}),
            step_to=frozenset({"pending", "ready"}),
        ),
    )
    DELETE = (
        "delete",
        KindFacts(
            label=_("Delete"),
            verb=_("delete"),
            progressive=_("deleting"),
            past=_("deleted"),
            endpoint="/delete",
            client_method="delete",
            consequence=_("A deleted deployment is lost, with its address and everything on it."),
            asked_status="deleted",
            done_when=frozenset({"deleted"}),
            step_to=frozenset({"deleted"}),
            removes=True,
            ends_log=True,
        ),
    )


ON_EXISTING = tuple(kind for kind in Kind if not kind.facts.makes_new)


def is_done(kind: str, status: str) -> bool:
    """Return whether an operation of `kind` was done, if its deployment is reported with `status`."""
    facts = Kind(kind).facts
    return status in facts.done_when if facts.done_when else status not in facts.not_done_when


def is_possible(kind: str, status: str) -> bool:
    """Return whether `kind` makes sense for a deployment that is reported with `status`.

    Buttons, the plan of a batch and the worker before it sends all ask here. Roboflow's statuses are an open
    set: one that the table does not name allows every kind without `only_from`.
    """
    facts = Kind(kind).facts
    if status in ENDED_STATUSES:
        return False
    return status in facts.only_from if facts.only_from else status not in facts.not_from


@lru_cache(maxsize=1000)
def possible_kinds(status: str) -> tuple[Kind, ...]:
    """Return the kinds that make sense for a deployment that is reported with `status`."""
    return tuple(kind for kind in ON_EXISTING if is_possible(kind, status))


def why_impossible(kind: str, status: str) -> str:
    """Return why `kind` is not possible ("is paused already", after a deployment's name), or ""."""
    if is_possible(kind, status):
        return ""
    if status in ENDED_STATUSES:
        return gettext("is %(status)s") % {"status": status}
    if needed := gettext(" or ").join(sorted(Kind(kind).facts.only_from)):
        return gettext("is %(status)s, not %(needed)s") % {"status": status, "needed": needed}
    return gettext("is %(status)s already") % {"status": status}


def kind_of_step(before: str, after: str) -> Kind | None:
    """Return the kind of change that leads from status `before` to `after`, or None when no kind does."""
    for kind in Kind:
        facts = kind.facts
        if after in facts.step_to and (not facts.step_from or before in facts.step_from):
            return kind
    return None


def action_of(kind: str, event: str) -> str:
    """Return the trail's action for an event of an operation: "deployment.pause.requested".

    `event` is a key of EVENT_SENTENCES. Raises ValueError for any other.
    """
    if event not in EVENT_SENTENCES:
        raise ValueError(f"{event!r} is no event of an operation.")
    return f"deployment.{Kind(kind)}.{event}"


def action_sentences() -> dict[str, "StrOrPromise"]:
    """Return the sentence of every action, as it is read between the actor and the deployment."""
    return dict(_sentences())


def _sentences() -> Iterator[tuple[str, "StrOrPromise"]]:
    for kind in Kind:
        for event, sentence in EVENT_SENTENCES.items():
            yield action_of(kind, event), format_lazy(sentence, verb=kind.facts.verb, past=kind.facts.past)
