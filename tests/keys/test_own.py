"""A person's own key: what is needed to change anything, and what the person reads when it is missing."""

import pytest

from deployments.keys.models import ApiKey
from deployments.keys.own import lock_key, own_key, own_valid_key
from deployments.workspaces.models import Membership
from portal.web.errors import Refused


def membership_of(person):
    return Membership.objects.select_related("user", "workspace").get(user=person.user)


def test_the_own_key_is_that_of_the_person_and_the_workspace(ana, ben, vera):
    own = own_key(membership_of(ben))

    assert (own.user, own.workspace.slug, own.last_four) == (ben.user, "acme-vision", "-ben")
    assert own_key(membership_of(vera)) is None


def test_the_own_key_is_read_once_with_its_person_and_workspace(ana, django_assert_num_queries):
    membership = membership_of(ana)

    with django_assert_num_queries(1):
        for _ in range(3):
            assert (own_key(membership).user, own_key(membership).workspace) == (
                membership.user,
                membership.workspace,
            )


@pytest.mark.parametrize("state", ["valid", "doubted"])
def test_with_a_key_that_works_a_person_may_act(state, ana):
    ApiKey.objects.update(state=state)

    assert own_valid_key(membership_of(ana)) == ApiKey.objects.get()


@pytest.mark.parametrize(("state", "shown"), [("refused", "refused"), ("unreadable", "unreadable")])
def test_with_a_key_that_does_not_work_the_person_reads_its_state(state, shown, ana):
    ApiKey.objects.update(state=state)

    with pytest.raises(Refused) as refused:
        own_valid_key(membership_of(ana))

    assert refused.value.needed == f"a Roboflow key that works: yours is {shown}"
    assert refused.value.who == "you: replace it under Keys"


def test_without_a_key_the_person_reads_that_one_is_needed(vera):
    with pytest.raises(Refused) as refused:
        own_valid_key(membership_of(vera))

    assert refused.value.needed == "a Roboflow key of your own for this workspace"
    assert refused.value.who == "you: add it under Keys"


def test_a_key_that_was_removed_meanwhile_cannot_be_locked(ana):
    key = ApiKey.objects.get()
    lock_key(key)
    ApiKey.objects.all().delete()

    with pytest.raises(Refused, match="it was removed just now"):
        lock_key(key)
