"""What a list leaves out because it is as it was, and what always goes on to the parser."""

import json
import random

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


NESTED = {"deployment_id": "inner", "x": [{"deployment_id": "d0"}, {"deployment_id": "d1"}]}


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([ENTRIES[0] | {"x": [ENTRIES[1], ENTRIES[2]]}, *ENTRIES[1:]], id="entries within one"),
        pytest.param([ENTRIES[0] | {"x": body_of().decode()}, *ENTRIES[1:]], id="a list in a text"),
        pytest.param([{"x": 1, **ENTRIES[0]}, *ENTRIES[1:]], id="another first field"),
        pytest.param([ENTRIES[0], {"y": [], **ENTRIES[1]}, *ENTRIES[2:]], id="other first fields later"),
        pytest.param([ENTRIES[0] | {"x": NESTED}, NESTED, *ENTRIES[1:]], id="the same beginning further in"),
        pytest.param(ENTRIES[:1], id="one entry"),
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n ", " : ")])
def test_however_a_list_is_written_the_next_one_goes_on_as_far_as_it_differs(entries, separators):
    def written(entries):
        return json.dumps(entries, separators=separators, ensure_ascii=False).encode()

    known = known_of(written(entries))
    changed = [*entries[:-1], entries[-1] | {"status": "paused"}]

    found = sifted(written(changed), known)

    last = entries[-1]["deployment_id"]
    assert [one.deployment_id for one in found.deployments] == [last]
    assert found.unchanged == {one["deployment_id"] for one in entries} - {last}
    assert not found.unlisted


def test_random_changes_go_on_and_nothing_else():
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    entries = [ENTRIES[0] | {"deployment_id": f"r{number}", "n": number} for number in range(60)]
    for _ in range(50):
        known, before = known_of(body_of(entries)), {one["deployment_id"]: one for one in entries}
        entries = [one | {"n": rng.random()} if rng.random() < 0.1 else one for one in entries]
        entries = [one for one in entries if rng.random() > 0.02]
        entries += [ENTRIES[0] | {"deployment_id": f"new{rng.random()}"} for _ in range(rng.randrange(3))]
        rng.shuffle(entries)

        found = sifted(body_of(entries), known)

        after = {one["deployment_id"]: one for one in entries}
        same = {row_id for row_id, one in after.items() if before.get(row_id) == one}
        assert found.unchanged == same
        assert {one.deployment_id for one in found.deployments} == after.keys() - same
        assert found.unlisted == before.keys() - after.keys()


def test_an_entry_that_comes_twice_makes_the_whole_list_go_on():
    twice = [*ENTRIES, ENTRIES[0]]

    found = sifted(body_of(twice), known_of(body_of()))

    assert not found.unchanged and not found.unlisted
    assert [one.deployment_id for one in found.deployments][:4] == ["d0", "d1", "d2", "d3"]
