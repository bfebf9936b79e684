"""A one-time code counts once, for as long as it is valid."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.accounts.signing_in import FACTOR, add_app, is_in, sign_in
from tests.totp import code_of


@pytest.mark.parametrize("seconds", [1, 31, 45, 59])
def test_a_code_that_was_used_is_refused_for_as_long_as_it_is_valid(seconds, app, trail):
    started = datetime.fromtimestamp(time.time() // 30 * 30, UTC)
    with time_machine.travel(started, tick=False):
        code = code_of(app, steps=1)  # of a phone that is half a minute ahead: valid for 90 seconds
        first, _ = sign_in()
        first.post(f"{FACTOR}authenticate/", {"code": code})
    with time_machine.travel(started + timedelta(seconds=seconds), tick=False):
        second, _ = sign_in()

        second.post(f"{FACTOR}authenticate/", {"code": f"{code[:3]} {code[3:]}"})

    assert is_in(first) and not is_in(second)
    assert trail.actions()[-1] == "second_factor.refused"


def test_the_code_that_added_an_app_does_not_sign_in(ana):
    secret = add_app(ana)
    client, _ = sign_in()

    client.post(f"{FACTOR}authenticate/", {"code": code_of(secret)})

    assert not is_in(client)


def test_a_code_signs_in_once(app):
    code = code_of(app, steps=1)
    first, _ = sign_in()
    first.post(f"{FACTOR}authenticate/", {"code": code})
    second, _ = sign_in()

    second.post(f"{FACTOR}authenticate/", {"code": code})

    assert is_in(first) and not is_in(second)
