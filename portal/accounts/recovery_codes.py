"""Recovery codes: each signs a person in once, in place of a lost second factor. Only hashes are stored.

allauth's own recovery codes are all derived from one stored secret, so they can be shown again, to whoever
has the database and the vault key too. Ours live in the same kind of row, so that allauth counts and removes
them, but that row opens nothing.
"""

import hashlib
import secrets

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.accounts.models import User

COUNT = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that people mix up
LENGTH, GROUP = 16, 4  # 79 bits, so that a plain hash is enough


@transaction.atomic
def make_recovery_codes(user: User) -> list[str]:
    """Replace a person's recovery codes by new ones and return these: nobody can show them again."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # of two clicks, one set of codes is left
    codes = [new_code() for _ in range(COUNT)]
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.RECOVERY_CODES,
        # allauth looks for codes of an older make in each such row, and finds none.
        data={"hashes": [hash_code(user, code) for code in codes], "migrated_codes": []},
    )
    return codes


def new_code() -> str:
    """Return a random code, in groups."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[place : place + GROUP] for place in range(0, LENGTH, GROUP))


def hash_code(user: User, code: str) -> str:
    """Return the hash of a person's code as typed: case, spaces and hyphens do not matter."""
    typed = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user.pk}:{typed}".encode()).hexdigest()


@transaction.atomic
def use_recovery_code(user: User, code: str) -> Authenticator | None:
    """Use up a recovery code and return its row; None when it is none of the person's unused codes."""
    rows = Authenticator.objects.select_for_update()
    row: Authenticator | None = rows.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    hashed = hash_code(user, code)
    if row is None or hashed not in row.data.get("hashes", []):
        return None
    row.data["hashes"].remove(hashed)
    row.save(update_fields=["data"])
    return row


def count_recovery_codes(user: User) -> int:
    """Return how many unused recovery codes a person has."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(row.data.get("hashes", [])) if row else 0
