"""People of the portal. They sign in by e-mail."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now


class UserManager(BaseUserManager["User"]):
    """Creates and finds people. The case of e-mail addresses does not matter."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person and return them. Without a password they cannot sign in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the person with this e-mail, in upper or lower case. Raises User.DoesNotExist."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person. Their role in a workspace is part of their membership there, not of this model."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    is_administrator = models.BooleanField(default=False)  # sees System and the whole trail
    timezone = models.CharField(max_length=64, blank=True)  # IANA name; empty: the zone of the browser
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

    def get_full_name(self) -> str:
        """Return the name that other people see."""
        return str(self)

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
