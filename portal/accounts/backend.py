"""Who is behind a session: the person, and whether they owe a second factor, in one question to the database."""

from allauth.account.auth_backends import AuthenticationBackend

from portal.accounts.factors import annotate_second_factors
from portal.accounts.models import User


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs in by e-mail and password, as allauth does."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session, unless they may no longer sign in."""
        found = annotate_second_factors(User.objects.filter(pk=user_id)).first()
        return found if found and self.user_can_authenticate(found) else None
