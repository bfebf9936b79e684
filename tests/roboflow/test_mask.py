"""A Secret shows itself nowhere, and mask_key takes keys out of texts."""

import pickle
import traceback

import pytest

from deployments.roboflow.mask import Secret, known_key, mask_key
from tests.roboflow.spellings import base64_of

KEY = Secret("Kx7pQ2mmR9sTvW4yZ1aB")


def test_a_key_is_masked_in_every_spelling():
    spelt = f"{KEY.reveal()} and {base64_of(KEY.reveal())}"

    assert mask_key(f"see {spelt}.", KEY) == "see *** and ***."


def test_several_keys_are_masked_and_the_rest_stays():
    keys = Secret("first-secret-1"), Secret("second-secret-2")

    assert mask_key("first-secret-1 and second-secret-2, done", *keys) == "*** and ***, done"


def test_what_looks_like_a_key_is_masked_too():
    assert mask_key("?api_key=abc123&x=1") == "?api_key=***&x=1"


def test_of_a_key_only_its_end_is_kept_in_clear():
    known = known_key(Secret("sandbox-key-ana"))

    assert (known.tail, known.length, known.punctuation) == ("-ana", 15, "-")
    assert "sandbox" not in repr(known)
    assert known.matches("sandbox-key-ana") and not known.matches("sandbox-key-ann")


def test_a_secret_is_masked_wherever_it_is_shown():
    def fail(key):
        raise RuntimeError(f"{key} {key!r} {key:>5}")

    try:
        fail(KEY)
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert f"{KEY} {KEY!r} {KEY!s} {KEY:>5}" == "*** *** *** ***"
    assert "key = ***" in shown and KEY.reveal() not in shown


def test_a_secret_cannot_be_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
