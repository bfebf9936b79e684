"""Loads the person of a session, and whether they must add a second factor, in one database query."""

from allauth.account.auth_backends import AuthenticationBackend

from portal.accounts.factors import annotate_second_factors
from portal.accounts.models import User


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]
    """Checks e-mail and password as allauth does."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session, or None when they may no longer sign in."""
        user = annotate_second_factors(User.objects.filter(pk=user_id)).first()
        return user if user and self.user_can_authenticate(user) else None
