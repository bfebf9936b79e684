"""What a list leaves out because it is as it was, and what always goes on to the parser."""

import json

import pytest

from deployments.roboflow.parse import parse_deployment_list
from deployments.roboflow.sieve import KnownList, Sieve

ENTRIES = [
    {"deployment_id": f"d{number}", "deployment_name": f"n{number}", "x": [1.5, "ä"]} for number in range(4)
]


def body_of(entries=ENTRIES, *, wrapped=False):
    return json.dumps({"deployments": entries} if wrapped else entries).encode()


def known_of(body, salt=""):
    """Return what is known after a list."""
    sieve = Sieve(KnownList(salt=salt))
    sieve.sift(body)
    return KnownList(salt=salt, whole=sieve.whole, entries=lambda: sieve.digests)


def sifted(body, known):
    """Return the sieve, and the list that it and the parser make of an answer."""
    sieve = Sieve(known)
    return sieve.complete(parse_deployment_list(sieve.sift(body)))


def test_without_anything_known_all_entries_go_on_with_their_digests():
    found = sifted(body_of(), KnownList())

    assert [one.deployment_id for one in found.deployments] == ["d0", "d1", "d2", "d3"]
    assert found.digests.keys() == {"d0", "d1", "d2", "d3"}
    assert not (found.unchanged or found.is_identical)


def test_an_identical_answer_is_known_by_its_whole():
    found = sifted(body_of(), known_of(body_of()))

    assert found.is_identical and found.deployments == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_only_entries_that_are_written_otherwise_go_on(wrapped):
    changed = [*ENTRIES[:1], ENTRIES[1] | {"status": "paused"}, *ENTRIES[2:], {"deployment_id": "new"}]

    found = sifted(body_of(changed, wrapped=wrapped), known_of(body_of()))

    assert [one.deployment_id for one in found.deployments] == ["d1", "new"]
    assert found.unchanged == {"d0", "d2", "d3"}
    assert found.digests.keys() == {"d1", "new"}
    assert not found.is_identical


def test_another_order_changes_no_entry():
    assert sifted(body_of(ENTRIES[::-1]), known_of(body_of())).unchanged == {"d0", "d1", "d2", "d3"}


def test_another_salt_makes_all_of_it_new():
    known = known_of(body_of(), salt="one key")
    found = sifted(body_of(), KnownList(salt="two keys", whole=known.whole, entries=known.entries))

    assert len(found.deployments) == 4
    assert not (found.unchanged or found.is_identical)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"{}",
        b'{"error": "x"}',
        b"[1, 2]",
        b"[[]]",
        b'[{"deployment_id": 7}]',
        b'[{"deployment_name": "without id"}]',
        b'[{"deployment_id": "a"}, {"deployment_id": "a"}]',  # the parser tells of the second one
        b'[{"deployment_id": "a"}',
        b'[{"deployment_id": "a"}] more',
        b'[{"deployment_id": "a"},]',
        b'{"deployments": [{"deployment_id": "a"}], "next": "page"}',
        b"[" * 2000,
        b"\xff\xfe[\x00]\x00",
    ],
)
def test_what_is_no_plain_list_goes_on_as_it_is(body):
    sieve = Sieve(KnownList())

    assert sieve.sift(body) == body
    assert not (sieve.unchanged or sieve.digests)


def test_an_empty_list_stays_empty():
    assert sifted(b"[]", known_of(body_of())).unchanged == frozenset()


def test_an_entry_that_cannot_be_read_keeps_its_place_in_the_whole_list():
    long = {"deployment_id": "x" * 300}

    found = sifted(body_of([*ENTRIES, long]), known_of(body_of()))

    assert [(one.index, one.text[:20]) for one in found.bad] == [(4, "{'deployment_id': 'x")]


def test_a_second_attempt_begins_anew():
    sieve = Sieve(known_of(body_of()))
    sieve.sift(body_of([ENTRIES[0] | {"x": 1}]))

    sieve.sift(body_of())

    assert sieve.is_identical and not sieve.digests
