"""Every action of the trail, `subject.verb.outcome`, with the sentence that people read."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Action(StrEnum):
    """What happened. The actions of operations are registered by the ledger (see register_sentences)."""

    SETUP = "portal.setup"
    SIGNIN = "signin.succeeded"
    SIGNIN_REFUSED = "signin.refused"
    SIGNOUT = "signout"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an action
    PASSWORD_RESET = "password.reset"  # noqa: S105
    SESSION_ENDED = "session.ended"
    SESSIONS_ENDED = "person.sessions_ended"
    PERSON_DISABLED = "person.disabled"
    PERSON_ENABLED = "person.enabled"
    ADMINISTRATOR_CHANGED = "person.administrator_changed"
    ADDRESS_CONFIRMED = "person.confirmed"
    PROFILE_CHANGED = "profile.changed"
    SECOND_FACTOR_ADDED = "second_factor.added"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    SECOND_FACTOR_CODES = "second_factor.codes_made"
    SECOND_FACTOR_REFUSED = "second_factor.refused"
    SECOND_FACTOR_RESET = "second_factor.reset"  # by the command `manage.py second_factor reset`
    SECOND_FACTOR_REQUIRED = "second_factor.required"
    SECOND_FACTOR_OPTIONAL = "second_factor.optional"

    KEY_ADDED = "key.added"
    KEY_SAVED_UNCHECKED = "key.saved_unchecked"
    KEY_REFUSED = "key.refused"  # Roboflow refused it when a person saved or checked it
    KEY_STOPPED = "key.stopped"  # Roboflow refused it during other work, and the key check confirmed that
    KEY_WORKS = "key.works"  # a refused or unchecked key turned out to be valid
    KEY_REPLACED = "key.replaced"
    KEY_REMOVED = "key.removed"
    KEY_UNREADABLE = "key.unreadable"
    VAULT_ROTATED = "vault.rotated"

    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    INVITATION_SENT = "invitation.sent"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_WITHDRAWN = "invitation.withdrawn"

    ACCESS_REFUSED = "access.refused"
    EXPORTED = "export.made"
    TRAIL_ARCHIVED = "trail.archived"
    TRAIL_VERIFIED = "trail.verified"

    # Changes at Roboflow that no operation of the portal explains. The ledger registers one for each kind.
    OUTSIDE_GONE = "deployment.gone.outside"
    OUTSIDE_CHANGED = "deployment.change.outside"


ENDINGS = {
    "succeeded",
    "failed",
    "cancelled",
    "needs_attention",
}  # each operation ends in exactly one of these
OPERATION_OUTCOMES = {"requested", "refused", "unknown", "resolved", *ENDINGS}
OUTCOMES = {  # of actions whose last word is not the outcome
    "key.refused": "refused",
    "key.stopped": "refused",
    "key.unreadable": "failed",
}
SENTENCES: dict[str, "StrOrPromise"] = {
    "portal.setup": _("set up the portal"),
    "signin.succeeded": _("signed in"),
    "signin.refused": _("was refused at sign-in"),
    "signout": _("signed out"),
    "password.changed": _("changed their password"),
    "password.reset": _("reset their password"),
    "session.ended": _("ended a session"),
    "person.sessions_ended": _("ended all sessions of"),
    "person.disabled": _("disabled the account of"),
    "person.enabled": _("enabled the account of"),
    "person.administrator_changed": _("changed who is administrator:"),
    "person.confirmed": _("confirmed the address of"),
    "profile.changed": _("changed their profile"),
    "second_factor.added": _("added a second factor"),
    "second_factor.removed": _("removed a second factor"),
    "second_factor.codes_made": _("made recovery codes"),
    "second_factor.refused": _("entered a wrong second factor"),
    "second_factor.reset": _("removed all second factors of"),
    "second_factor.required": _("requires a second factor of everybody in"),
    "second_factor.optional": _("no longer requires a second factor in"),
    "key.added": _("added a Roboflow key"),
    "key.saved_unchecked": _("saved a Roboflow key unchecked"),
    "key.refused": _("entered a key that Roboflow refused"),
    "key.stopped": _("has a key that Roboflow refuses now"),
    "key.works": _("has a key that works"),
    "key.replaced": _("replaced a Roboflow key"),
    "key.removed": _("removed a Roboflow key"),
    "key.unreadable": _("has a key that cannot be opened"),
    "vault.rotated": _("re-sealed all keys of"),
    "member.joined": _("joined"),
    "member.role_changed": _("changed the role of"),
    "member.removed": _("removed"),
    "invitation.sent": _("invited"),
    "invitation.accepted": _("accepted an invitation"),
    "invitation.withdrawn": _("withdrew the invitation of"),
    "event.unreadable": _("cannot read"),
    "access.refused": _("was refused"),
    "export.made": _("exported"),
    "trail.verified": _("verified the trail"),
    "trail.archived": _("moved to an archive:"),
    "deployment.gone.outside": _("is gone"),
    "deployment.change.outside": _("was changed"),
}


def outcome_of_action(action: str) -> str:
    """Return the outcome of `action`.

    It is the last word if that word is an outcome of operations, "observed" for changes outside the portal,
    and "succeeded" for all other actions. OUTCOMES lists the exceptions.
    """
    last = action.rsplit(".", 1)[-1]
    if last == "outside":
        return "observed"
    return OUTCOMES.get(action) or (last if last in OPERATION_OUTCOMES else "succeeded")


def register_sentences(sentences: Mapping[str, "StrOrPromise"]) -> None:
    """Add the actions of a room above this one, each with its sentence. A second call changes nothing."""
    SENTENCES.update(sentences)


def sentence_of(action: str) -> str:
    """Return the text between actor and object, such as "joined"; an unknown action is returned as it is."""
    return str(SENTENCES.get(action, action))
