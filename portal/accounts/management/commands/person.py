"""The life of accounts, on the machine: `manage.py person list`, `manage.py person disable EMAIL`, ..."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts import people
from portal.accounts.models import User
from portal.accounts.people import NotChanged
from portal.audit.origin import SYSTEM
from portal.clock import now

VERBS = {
    "disable": "let somebody sign in no more, end their sessions, and send nothing more under their keys",
    "enable": "let somebody sign in again",
    "end-sessions": "end all sessions of somebody",
    "make-administrator": "make somebody an administrator",
    "unmake-administrator": "make somebody no longer an administrator; the last one stays",
    "confirm": "confirm that the address of somebody is theirs",
}


class Command(BaseCommand):
    """`manage.py person`."""

    help = "List people, disable and enable them, end their sessions, make and unmake administrators."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the subcommands; all but list take the e-mail of a person."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="list everybody")
        for verb, text in VERBS.items():
            verbs.add_parser(verb, help=text).add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """List people, or change one. Raises CommandError for an unknown person and for a refused change."""
        verb = options["verb"]
        if verb == "list":
            for row in User.objects.order_by("email").iterator():
                self.stdout.write(describe(row))
            return
        person = User.objects.with_email(options["email"]).first()
        if person is None:
            raise CommandError(f"There is no person with the e-mail {options['email']}.")
        try:
            self.stdout.write(change(person, verb))
        except NotChanged as error:
            raise CommandError(str(error)) from None


def describe(person: User) -> str:
    """Return one line about a person: address, name, and what is special."""
    notes = {
        "administrator": person.is_administrator,
        "disabled": not person.is_active,
        "address not confirmed": person.email_confirmed_at is None,
    }
    special = ", ".join(note for note, holds in notes.items() if holds)
    return f"{person.email}  {person.name}{f'  ({special})' if special else ''}"


def change(person: User, verb: str) -> str:
    """Make a change and return the sentence that says what was done. Raises NotChanged."""
    done = people.CHANGES[verb](person, by=SYSTEM, now=now())
    if verb == "end-sessions":
        return f"{done} sessions of {person} are ended."
    person.refresh_from_db()
    return f"{'Done' if done else 'Nothing to change'}: {describe(person)}"
