"""Whatever a person types: no page breaks, and nothing is done."""

import pytest

from deployments.ledger.models import Operation
from tests.mails import sent_mails


@pytest.mark.parametrize(
    "path", ["/w/acme-vision/", "/keys/", "/w/acme-vision/activity/", "/w/acme-vision/operations/"]
)
@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "cursor=rubbish",
        "cursor=WzFd",
        "cursor=" + "A" * 3000,
        "sort=password",
        "status=%F0%9F%92%A5",
        "actor=99999999999999999999",
        "from=x&to=y",
        "q=';DROP TABLE x;--",
        "q=%E2%80%AE<script>",
        "format=exe",
        "batch=1",
        "actor=%C2%B2",
        "figure=x",
        "page=-1",
    ],
)
def test_no_query_breaks_a_page(path, query, ana, fleet):
    refused = {"q=%00": 400, "from=x&to=y": 422 if "activity" in path else 200}

    assert ana.get(f"{path}?{query}").status_code == refused.get(query, 200)


def submit_forms(ana, fleet, value, **good):
    """Submit every kind of form with `value` in its fields; `good` replaces it in single fields."""

    def field(name):
        return good.get(name, value)

    return {
        "new": ana.create(field("name"), reason=field("reason")),
        "machine": ana.create("good-name", machine_type=field("machine_type")),
        "creator": ana.create("good-name", creator_email=field("creator_email")),
        "numbers": ana.create(
            "good-name",
            duration=field("duration"),
            inference_version=field("inference_version"),
            min_replicas=field("min_replicas"),
        ),
        "delete": ana.ask(
            fleet["pallet-counter"], "delete", confirm_name=field("confirm_name"), reason=field("reason")
        ),
        "profile": ana.post("/profile/", {"name": field("person"), "timezone": field("timezone")}),
        "invitation": ana.post("/w/acme-vision/team/", {"email": field("email"), "role": field("role")}),
    }


@pytest.mark.parametrize(
    "value",
    ["a\x00b", "\u202eevil", "💥" * 50, "<script>alert(1)</script>", "'; DROP TABLE x; --", "x" * 10_000],
)
def test_no_typed_text_breaks_a_form_and_nothing_is_done(value, ana, fleet, sandbox):
    answers = submit_forms(ana, fleet, value)

    expected = 400 if "\x00" in value else 422
    assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(answers, expected)
    assert "<script>alert(1)</script>" not in "".join(one.content.decode() for one in answers.values())
    assert sandbox.journal() == [] and not Operation.objects.exists()


def test_the_same_forms_with_good_values_are_accepted(ana, fleet):
    answers = submit_forms(
        ana,
        fleet,
        "",
        name="first-name",
        reason="project over",
        machine_type="dev-cpu",
        creator_email="ana@example.com",
        confirm_name="pallet-counter",
        person="Ana",
        email="new@example.com",
        role="viewer",
    )

    invited = answers.pop("invitation")
    assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(answers, 303)
    assert invited.status_code == 200 and "/invite/" in sent_mails()[0].body


@pytest.mark.parametrize(
    "fields",
    [
        {"deployment_name": "ab"},
        {"deployment_name": "Upper-Case"},
        {"deployment_name": "1-digit"},
        {"deployment_name": "a" * 16},
        {"machine_type": "quantum"},
        {"creator_email": "none"},
        {"duration": "-1"},
        {"duration": "nan"},
        {"duration": "inf"},
        {"duration": "99999"},
        {"inference_version": "0.1.0"},
        {"inference_version": "newest"},
        {"min_replicas": "3", "max_replicas": "1"},
        {"min_replicas": "-1"},
        {"max_replicas": "1e9"},
        {"form_token": "none"},
        {"deployment_name": "pallet-counter"},
    ],
)
def test_bad_values_of_a_new_deployment_are_refused_and_kept(fields, ana, fleet):
    values = {"reason": "typed reason", **fields}
    name = values.pop("deployment_name", "good-name")

    answer = ana.create(name, **values)

    assert answer.status_code == 422
    assert "typed reason" in answer.content.decode()
    assert not Operation.objects.exists()


def test_white_space_around_a_name_is_accepted(ana, fleet):
    assert ana.create("good-name\n").status_code == 303
    assert Operation.objects.get().target_name == "good-name"
