"""One holder at a time has a lease: until it is released, runs out, or its holder dies."""

import time
from datetime import timedelta

import pytest
from django.utils.timezone import now

from portal.queue.lease import holding_lease, is_still_held, release_lease, take_lease


def test_a_lease_has_one_holder_until_it_runs_out(db):
    current_time = now()
    assert take_lease("subject", seconds=30, now=current_time)

    assert take_lease("subject", seconds=30, now=current_time + timedelta(seconds=29)) is None
    assert take_lease("subject", seconds=30, now=current_time + timedelta(seconds=30))


def test_leases_of_other_names_are_independent(db):
    assert take_lease("one", seconds=30, now=now())
    assert take_lease("other", seconds=30, now=now())


def test_a_released_lease_is_free_at_once(db):
    held = take_lease("subject", seconds=30, now=now())

    release_lease(held, now=now())

    assert take_lease("subject", seconds=30, now=now())


def test_a_former_holder_neither_holds_nor_releases_the_lease_of_the_next(db):
    current_time = now()
    former = take_lease("subject", seconds=30, now=current_time)
    current = take_lease("subject", seconds=30, now=current_time + timedelta(seconds=31))

    release_lease(former, now=current_time)

    assert current.fence > former.fence
    assert is_still_held(current)
    assert not is_still_held(former)


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_for_its_block_and_free_afterwards(transactional_db):
    with holding_lease("subject", now=now(), seconds=0.6) as held:
        assert held
        time.sleep(1.2)
        assert take_lease("subject", seconds=1, now=now()) is None

    assert take_lease("subject", seconds=1, now=now())


@pytest.mark.django_db(transaction=True)
def test_a_block_gets_none_while_somebody_else_holds_the_lease(transactional_db):
    assert take_lease("subject", seconds=30, now=now())

    with holding_lease("subject", now=now()) as held:
        assert held is None

    assert take_lease("subject", seconds=30, now=now()) is None  # the block released nothing


def test_the_lease_of_a_killed_holder_runs_out(db):
    assert take_lease("subject", seconds=0.3, now=now())

    assert take_lease("subject", seconds=1, now=now() + timedelta(seconds=0.4))


def test_a_lease_from_before_the_clock_was_set_back_is_free(db):
    current_time = now()
    take_lease("subject", seconds=30, now=current_time + timedelta(hours=2))
    take_lease("other", seconds=30, now=current_time + timedelta(minutes=20))

    assert take_lease("subject", seconds=30, now=current_time)
    assert take_lease("other", seconds=30, now=current_time) is None  # clocks of two hosts may differ so much
