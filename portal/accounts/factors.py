"""Second factors: who has one, whether everybody must have one, and how their secrets are re-sealed."""

from collections.abc import Iterator
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from portal.accounts.models import SignInPolicy, User
from portal.accounts.people import append_person_event
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM, Origin
from portal.vault import Unreadable, is_newest, open_text, reseal

SEALED = ("secret",)  # the keys of Authenticator.data with sealed values: of an authenticator app


class NoFactorYourself(Exception):
    """The administrator has no second factor: requiring one of everybody would lock them out."""


def second_factors() -> QuerySet[Authenticator]:
    """Return all second factors. Recovery codes do not count: they only replace a lost one."""
    factors: QuerySet[Authenticator] = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return factors


def annotate_second_factors(people: QuerySet[User]) -> QuerySet[User]:
    """Return `people` with the attributes `has_second_factor` and `must_have_second_factor`."""
    return people.annotate(
        has_second_factor=Exists(second_factors().filter(user=OuterRef("pk"))),
        must_have_second_factor=Exists(active_requirement()),
    )


def active_requirement() -> QuerySet[SignInPolicy]:
    """Return the policy that requires a second factor of everybody; no row when there is none."""
    return SignInPolicy.objects.filter(second_factor_required=True)


def is_second_factor_required() -> bool:
    """Return whether everybody must have a second factor."""
    return active_requirement().exists()


def count_without_second_factor() -> int:
    """Return the number of active people without a second factor."""
    return User.objects.filter(is_active=True).exclude(pk__in=second_factors().values("user")).count()


@transaction.atomic(durable=True)
def set_second_factor_required(required: bool, *, user: User, by: Origin, now: datetime) -> bool:
    """Require a second factor of everybody, or make it optional; return False when nothing changes.

    Raises NoFactorYourself when `user`, who requires it, has none.
    """
    policy, _ = SignInPolicy.objects.select_for_update().get_or_create(pk=1)
    if policy.second_factor_required == required:
        return False
    if required and not second_factors().filter(user=user).exists():
        raise NoFactorYourself
    policy.second_factor_required = required
    policy.save()
    action = Action.SECOND_FACTOR_REQUIRED if required else Action.SECOND_FACTOR_OPTIONAL
    append_event(action, by=by, at=now, about=Subject(type="portal", name="the portal"))
    return True


@transaction.atomic(durable=True)
def reset_second_factors(user: User, *, now: datetime) -> int:
    """Remove all second factors of `user`; return how many. For an administrator of the machine only."""
    count: int = second_factors().filter(user=user).count()
    Authenticator.objects.filter(user=user).delete()
    if count:
        append_person_event(Action.SECOND_FACTOR_RESET, user, by=SYSTEM, now=now)
    return count


def sealed_secrets(rows: QuerySet[Authenticator]) -> Iterator[tuple[Authenticator, str]]:
    """Yield each sealed secret in `rows` as the row and the key in its `data`."""
    for row in rows.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk"):
        yield from ((row, name) for name in SEALED if name in row.data)


def people_with_unreadable_factors() -> list[User]:
    """Return the people with a second factor that no vault key opens."""
    secrets = sealed_secrets(Authenticator.objects.select_related("user"))
    people = {row.user.pk: row.user for row, name in secrets if not can_open(row.data[name])}
    return list(people.values())


def can_open(sealed: str) -> bool:
    """Return whether a vault key opens `sealed`."""
    try:
        open_text(sealed)
    except Unreadable:
        return False
    return True


def reseal_second_factors() -> int:
    """Re-seal the secrets that an older vault key sealed; return how many.

    A secret that no key opens stays as it is. Call this in a transaction: it locks the rows.
    """
    count = 0
    for row, name in sealed_secrets(Authenticator.objects.select_for_update()):
        if can_open(row.data[name]) and not is_newest(row.data[name]):
            row.data[name] = reseal(row.data[name])
            count += Authenticator.objects.filter(pk=row.pk).update(data=row.data)
    return count
