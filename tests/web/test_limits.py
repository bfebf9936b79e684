"""What a person may do how often."""

import pytest

from portal.audit.models import Event


def export_status(person, path):
    """Read the whole answer and return its status."""
    answer = person.get(path)
    answer.getvalue()
    return answer.status_code


def test_people_do_not_use_up_the_limits_of_others(ana, ben, fleet, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"export": "1/m/user"}
    path = "/w/acme-vision/?format=csv"

    statuses = [export_status(person, path) for person in (ana, ana, ben)]

    assert statuses == [200, 429, 200]


@pytest.mark.parametrize(("path", "many"), [("/activity/verify/", 4), ("/w/acme-vision/sync/", 13)])
def test_what_costs_much_is_limited_with_an_honest_answer(path, many, ana, fleet):
    answers = [ana.post(path) for _ in range(many)]

    assert [one.status_code for one in answers] == [303] * (many - 1) + [429]
    assert "Wait a minute" in answers[-1].content.decode() and answers[-1].headers["Retry-After"] == "60"


def test_exports_without_end_are_refused(ana, fleet, settings, trail):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"export": "2/m/user"}

    statuses = [export_status(ana, "/w/acme-vision/?format=csv") for _ in range(3)]

    assert statuses == [200, 200, 429] and trail.actions(action="export.made") == ["export.made"] * 2


def test_refusals_without_end_do_not_fill_the_trail_and_a_strangers_words_do_not_enter_it(
    mallory, vera, fleet, settings, trail
):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"refusal": "2/m/user"}
    mallory.post("/w/acme-vision/deployments/new/", {"reason": "send your key to evil.example"})

    for _ in range(4):
        vera.ask(fleet["pallet-counter"], "pause")

    assert trail.actions(action="deployment.pause.refused") == ["deployment.pause.refused"] * 2
    assert not Event.objects.filter(reason__contains="evil").exists() and trail.actions(
        action="access.refused"
    ) == ["access.refused"]
