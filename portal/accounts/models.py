"""People of the portal: they sign in by e-mail."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now


class UserManager(BaseUserManager["User"]):
    """Makes people; e-mail addresses are compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a new person. Without a password they cannot sign in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person by e-mail, whatever its case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person. What they may do in a workspace is said by their membership there, not here."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    is_administrator = models.BooleanField(default=False)  # sees System and the whole trail
    timezone = models.CharField(max_length=64, blank=True)  # IANA name; empty: the browser's
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
        """Return the name that others see."""
        return str(self)

    @property
    def owes_second_factor(self) -> bool:
        """Say whether they have to add a second factor before anything else; known of whoever is behind a session (accounts.factors)."""
        return bool(getattr(self, "must_have_second_factor", False)) and not getattr(
            self, "has_second_factor", False
        )


class SignInPolicy(models.Model):
    """What an administrator asks of everybody's sign-in: one row, none while nobody asked for anything."""

    second_factor_required = models.BooleanField(default=False)
