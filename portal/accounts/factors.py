"""The second factor: who has one, whether everybody must, and what happens to its sealed secrets."""

from collections.abc import Iterator
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from portal.accounts.models import SignInPolicy, User
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM, Origin
from portal.vault import Unreadable, is_newest, open_text, reseal

SEALED = ("secret", "seed")  # where allauth keeps what is sealed: of an authenticator app, of recovery codes


class NoFactorYourself(Exception):
    """Whoever requires a second factor of everybody must have one: else they would lock themselves out first."""


def second_factors() -> QuerySet[Authenticator]:
    """Return what counts as a second factor; recovery codes only stand in for a lost one."""
    found: QuerySet[Authenticator] = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return found


def annotate_second_factors(people: QuerySet[User]) -> QuerySet[User]:
    """Let each person say `has_second_factor` and `must_have_second_factor`."""
    return people.annotate(
        has_second_factor=Exists(second_factors().filter(user=OuterRef("pk"))),
        must_have_second_factor=Exists(active_requirement()),
    )


def active_requirement() -> QuerySet[SignInPolicy]:
    """Return the policy that everybody must have a second factor, if it stands."""
    return SignInPolicy.objects.filter(second_factor_required=True)


def is_second_factor_required() -> bool:
    """Say whether everybody must have a second factor."""
    return active_requirement().exists()


def count_without_second_factor() -> int:
    """Return how many people have no second factor."""
    return User.objects.filter(is_active=True).exclude(pk__in=second_factors().values("user")).count()


@transaction.atomic(durable=True)
def set_second_factor_required(required: bool, *, user: User, by: Origin, now: datetime) -> bool:
    """Require a second factor of everybody, or let it be again; False when that is so already. Raises NoFactorYourself."""
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
    """Take all second factors of somebody who lost them; return how many. For whoever has the machine."""
    count: int = second_factors().filter(user=user).count()
    Authenticator.objects.filter(user=user).delete()
    if count:
        append_event(
            Action.SECOND_FACTOR_RESET,
            by=SYSTEM,
            at=now,
            about=Subject(type="person", id=str(user.pk), name=user.email),
        )
    return count


def sealed_secrets(rows: QuerySet[Authenticator]) -> Iterator[tuple[Authenticator, str]]:
    """Yield every sealed secret: whose row, under which name."""
    for row in rows.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk"):
        yield from ((row, name) for name in SEALED if name in row.data)


def people_with_unreadable_factors() -> list[User]:
    """Return the people whose second factor no vault key opens."""
    found = sealed_secrets(Authenticator.objects.select_related("user"))
    return list({row.user.pk: row.user for row, name in found if not can_open(row.data[name])}.values())


def can_open(sealed: str) -> bool:
    """Say whether a sealed secret opens, and forget it."""
    try:
        open_text(sealed)
    except Unreadable:
        return False
    return True


def reseal_second_factors() -> int:
    """Re-seal what an older vault key sealed; return how many. What does not open stays as it is. Call it inside a transaction."""
    count = 0
    for row, name in sealed_secrets(Authenticator.objects.select_for_update()):
        if can_open(row.data[name]) and not is_newest(row.data[name]):
            row.data[name] = reseal(row.data[name])
            count += Authenticator.objects.filter(pk=row.pk).update(data=row.data)
    return count
