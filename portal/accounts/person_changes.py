"""What the pages say of the changes of an account: the question, what follows, and what was done."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, kw_only=True)
class ChangeWords:
    """The words of one change of people.CHANGES. `{name}` is the person's name."""

    label: "StrOrPromise"  # of the menu and of the button
    question: "StrOrPromise"
    effects: tuple["StrOrPromise", ...]  # what follows, for the administrator who confirms it
    done: "StrOrPromise"
    takes_away: bool = False  # the person can do less afterwards


WORDS = {
    "confirm": ChangeWords(
        label=_("Confirm the address"),
        question=_("Confirm the address of {name}?"),
        effects=(
            _("You say that this address belongs to {name}."),
            _("They can accept invitations to other workspaces, and can become an administrator."),
        ),
        done=_("The address of {name} is confirmed."),
    ),
    "end-sessions": ChangeWords(
        label=_("End sessions"),
        question=_("End all sessions of {name}?"),
        effects=(
            _("{name} is signed out in every browser, and can sign in again."),
            _("What they asked for goes on."),
        ),
        done=_("All sessions of {name} are ended."),
        takes_away=True,
    ),
    "make-administrator": ChangeWords(
        label=_("Make administrator"),
        question=_("Make {name} an administrator?"),
        effects=(
            _("They see System, People and the audit log of the whole portal."),
            _("They can disable people, end their sessions, and make or unmake administrators."),
        ),
        done=_("{name} is an administrator now."),
    ),
    "unmake-administrator": ChangeWords(
        label=_("No longer administrator"),
        question=_("Should {name} no longer be an administrator?"),
        effects=(
            _("They no longer see System, People and the audit log of the whole portal."),
            _("Their roles in workspaces stay."),
        ),
        done=_("{name} is no longer an administrator."),
        takes_away=True,
    ),
    "disable": ChangeWords(
        label=_("Disable"),
        question=_("Disable {name}?"),
        effects=(
            _("{name} is signed out in every browser, and cannot sign in again."),
            _("Nothing more is sent to Roboflow under their keys."),
            _("What they asked for and is not sent yet fails."),
            _("Their account and their keys stay: an administrator can enable them again."),
        ),
        done=_("{name} can no longer sign in, and nothing more is sent under their keys."),
        takes_away=True,
    ),
    "enable": ChangeWords(
        label=_("Enable"),
        question=_("Enable {name}?"),
        effects=(_("{name} can sign in again, with the roles that they had."),),
        done=_("{name} can sign in again."),
    ),
}


def possible_changes(person: User) -> list[str]:
    """Return the changes that the menu of a person offers, in its order."""
    confirm = [] if person.email_confirmed_at else ["confirm"]
    if not person.is_active:
        return [*confirm, "enable"]
    other = "unmake-administrator" if person.is_administrator else "make-administrator"
    return [*confirm, other, "end-sessions", "disable"]
