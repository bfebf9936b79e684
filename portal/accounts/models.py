"""People of the portal. They sign in by e-mail."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from portal.accounts.addresses import canonical_email, international_domain
from portal.accounts.looks import skeleton


class UserManager(BaseUserManager["User"]):
    """Creates and finds people. The case of e-mail addresses does not matter."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person and return them. Without a password they cannot sign in."""
        user = self.model(email=canonical_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the person with this e-mail, however it is spelled. Raises User.DoesNotExist."""
        return self.get(email=canonical_email(username or ""))

    def with_email(self, email: str) -> "models.QuerySet[User]":
        """Return the person with this e-mail, however it is spelled: one row or none."""
        return self.filter(email=canonical_email(email))


class User(AbstractBaseUser):
    """A person. Their role in a workspace is part of their membership there, not of this model."""

    email = models.EmailField(unique=True)  # as canonical_email() spells it
    # When it was proven that the address is this person's; null: nobody has proven it yet.
    email_confirmed_at = models.DateTimeField(null=True, blank=True)
    name = models.CharField(max_length=80)
    name_skeleton = models.CharField(max_length=400, unique=True)  # how the name looks, see looks.py
    is_active = models.BooleanField(default=True)
    is_administrator = models.BooleanField(default=False)  # sees System and the whole trail
    timezone = models.CharField(max_length=64, blank=True)  # IANA name; empty: the zone of the browser
    preferences = models.JSONField(default=dict, blank=True)  # see preferences.py
    session_salt = models.CharField(max_length=32, blank=True)  # a new one ends all sessions
    created_at = models.DateTimeField(default=now)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="one_person_per_email")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_session_auth_hash(self) -> str:
        """Return what each session of the person holds: it ends when the password or the salt changes."""
        key = "portal.accounts.models.User.session"
        return salted_hmac(key, f"{self.password}:{self.session_salt}", algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return nothing: a session of an older PORTAL_SECRET_KEY is over."""
        return iter(())

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the person, with how their name looks."""
        self.name_skeleton = skeleton(str(self))
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        """Return the name that other people see."""
        return str(self)

    @property
    def international_domain(self) -> str:
        """The domain of the address as people read it, if it has letters outside ASCII; otherwise ""."""
        return international_domain(self.email)

    @property
    def owes_second_factor(self) -> bool:
        """Return whether the person must add a second factor before anything else.

        This is known only for a person whom PersonBackend loaded (see factors.annotate_second_factors).
        """
        must_have = bool(getattr(self, "must_have_second_factor", False))
        return must_have and not getattr(self, "has_second_factor", False)


class SignInPolicy(models.Model):
    """What an administrator requires of every sign-in. There is at most one row."""

    second_factor_required = models.BooleanField(default=False)
