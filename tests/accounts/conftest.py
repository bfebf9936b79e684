"""A person with an authenticator app."""

import pytest

from tests.accounts.signing_in import add_app


@pytest.fixture
def app(ana):
    """Return the secret of the app that Ana added."""
    return add_app(ana)
