"""The kinds of change that the portal asks of Roboflow: one table with everything that is special about each. Pure.

A new kind is one new row of `Kind`. Addresses, forms, the client call, the words on pages and in the trail, and the
rules of when it is possible and when it is done are all read from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

DONE_WORDS = {  # the last word of an operation's event, as people read it
    "requested": "asked to {verb}",
    "refused": "was refused to {verb}",
    "unknown": "asked to {verb}, outcome not known yet:",
    "succeeded": "{past}",
    "failed": "failed to {verb}",
    "cancelled": "cancelled the request to {verb}",
    "needs_attention": "asked to {verb}, needs attention:",
    "resolved": "asked to {verb}, now resolved:",
    "outside": "was {past}",  # the change happened at Roboflow without an operation of ours
}


@dataclass(frozen=True, kw_only=True)
class KindFacts:
    """Everything that the portal knows about one kind of change. Statuses are Roboflow's raw words."""

    label: str
    progressive: str  # "pausing": the operation is open
    past: str  # "paused": the operation succeeded
    endpoint: str  # Roboflow's path
    client_method: str  # of deployments.roboflow.client.Client
    consequence: str  # what it does to the deployment, for the person who confirms it
    asked_status: str  # the status that a person wants to see in the end
    done_when: frozenset[str] = (
        frozenset()
    )  # reported statuses that prove it; empty: any status but `not_done_when`
    not_done_when: frozenset[str] = frozenset()
    only_from: frozenset[str] = (
        frozenset()
    )  # statuses from which it is possible; empty: any status but `not_from`
    not_from: frozenset[str] = frozenset()
    step_from: frozenset[str] = frozenset()  # a reported step from one of these (empty: from any) ...
    step_to: frozenset[str] = frozenset()  # ... to one of these is what this kind brings about
    makes_new: bool = False  # there is no deployment yet; Roboflow gives the id in its answer
    removes: bool = (
        False  # the deployment is gone afterwards: asks for the name and a reason, and absence proves it
    )
    may_resend: bool = True  # after a lost answer, when Roboflow shows that it did not happen


NO_FACTS = KindFacts(
    label="", progressive="", past="", endpoint="", client_method="", consequence="", asked_status=""
)


class Kind(StrEnum):
    """One kind of change; `facts` is its row. Sources: Roboflow's page on the HTTP API, and its Python client 1.7.3."""

    facts: KindFacts

    def __new__(cls, value: str, facts: KindFacts = NO_FACTS) -> "Kind":
        """Make a member that is its word and carries its row. A look-up, Kind("pause"), passes no row."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.facts = facts
        return member

    CREATE = (
        "create",
        KindFacts(
            label="Create",
            progressive="creating",
            past="created",
            endpoint="/add",
            client_method="add",
            consequence="It costs from the moment that it starts.",
            asked_status="ready",
            not_done_when=frozenset({"failed"}),
            makes_new=True,
            may_resend=False,  # a second /add would make, and bill, a second deployment
        ),
    )
    PAUSE = (
        "pause",
        KindFacts(
            label="Pause",
            progressive="pausing",
            past="paused",
            endpoint="/pause",
            client_method="pause",
            consequence="It stops answering, and costs nothing while it is paused.",
            asked_status="paused",
            done_when=frozenset({"paused"}),
            not_from=frozenset({"paused"}),
            step_to=frozenset({"paused"}),
        ),
    )
    RESUME = (
        "resume",
        KindFacts(
            label="Resume",
            progressive="resuming",
            past="resumed",
            endpoint="/resume",
            client_method="resume",
            consequence="It starts again; that takes a while, and it costs again.",
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
            label="Delete",
            progressive="deleting",
            past="deleted",
            endpoint="/delete",
            client_method="delete",
            consequence="The server, its address and everything on it are lost.",
            asked_status="deleted",
            done_when=frozenset({"deleted"}),
            step_to=frozenset({"deleted"}),
            removes=True,
        ),
    )


ON_EXISTING = tuple(kind for kind in Kind if not kind.facts.makes_new)


def is_done(kind: str, status: str) -> bool:
    """Return whether a deployment that is reported with `status` proves that an operation of `kind` was done."""
    facts = Kind(kind).facts
    return status in facts.done_when if facts.done_when else status not in facts.not_done_when


def is_possible(kind: str, status: str) -> bool:
    """Return whether `kind` makes sense for a live deployment that is reported with `status`.

    Buttons, the plan of a batch and the request itself all ask here. An unknown status allows what it does not rule out.
    """
    facts = Kind(kind).facts
    return status in facts.only_from if facts.only_from else status not in facts.not_from


def kind_of_step(before: str, after: str) -> Kind | None:
    """Return the kind of change that leads from status `before` to `after`, or None when no kind does."""
    for kind in ON_EXISTING:
        facts = kind.facts
        if after in facts.step_to and (not facts.step_from or before in facts.step_from):
            return kind
    return None


def action_of(kind: str, word: str) -> str:
    """Return the trail's action for an operation of `kind` whose event ends in `word`, a key of DONE_WORDS."""
    if word not in DONE_WORDS:
        raise ValueError(f"{word!r} ends no event of an operation.")
    return f"deployment.{Kind(kind)}.{word}"


def action_sentences() -> dict[str, str]:
    """Return the sentence of every action of operations, as it is read between the actor and the deployment."""
    return dict(_sentences())


def _sentences() -> Iterator[tuple[str, str]]:
    for kind in Kind:
        for word, sentence in DONE_WORDS.items():
            yield action_of(kind, word), sentence.format(verb=kind, past=kind.facts.past)
