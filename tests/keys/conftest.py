"""What tests of keys share: a clock that stands still until it is moved, and a background read."""

from collections.abc import Iterator

import pytest
import time_machine
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.keys.open import call_with_key
from tests.people import add_key, make_person


@pytest.fixture
def portal_clock() -> Iterator[time_machine.Traveller]:
    """The portal's clock: `shift(seconds)` moves it, `move_to` sets it."""
    with time_machine.travel(now(), tick=False) as clock:
        yield clock


@pytest.fixture
def cam(sandbox):
    """Somebody with a key for another workspace, birch-robotics."""
    person = make_person("Cam")
    add_key(person, "sandbox-key-cam")
    return person


@pytest.fixture
def read():
    """Read the list as a sync does, with a person's key, in one attempt."""

    def read_list(person):
        key = ApiKey.objects.select_related("user", "workspace").get(user=person.user)
        return call_with_key(
            key,
            lambda client, secret: client.list_deployments(secret, attempts=1),
            now=now(),
            reading=True,
            background=True,
        )

    return read_list
