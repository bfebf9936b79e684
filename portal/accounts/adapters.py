"""How allauth behaves here: no open registration; sign-ins, refusals and password changes are in the trail."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by setup and by invitation only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody registers by themselves."""
        return False
