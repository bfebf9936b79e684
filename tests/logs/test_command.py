"""`manage.py logs` in a terminal: the last lines and what comes, a search, all lines as JSON."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from deployments.logs.management.commands import logs
from deployments.logs.models import Harvest, Line


def add(deployment, number, *, text="line", level="INFO", ago=0):
    Line.objects.create(
        deployment=deployment,
        insert_id=f"i{number}",
        timestamp=now() - timedelta(seconds=ago),
        severity=level,
        payload=f"{text} {number}",
        level=level,
    )


def run(*arguments):
    out = io.StringIO()
    call_command("logs", *arguments, stdout=out)
    return out.getvalue().splitlines()


class Ended(Exception):
    """The person pressed Ctrl-C."""


def test_tail_prints_the_last_lines_oldest_first(deployment):
    for number in range(5):
        add(deployment, number, ago=10 - number)

    lines = run("tail", "pallet-counter", "--lines", "3", "--no-follow")

    assert [line.split(" ", 1)[1] for line in lines] == ["INFO line 2", "INFO line 3", "INFO line 4"]


def test_tail_follows_and_has_the_portal_read_the_log(deployment, monkeypatch):
    steps = [
        lambda: add(deployment, 1),
        lambda: None,
        lambda: (add(deployment, 3), add(deployment, 2, ago=5)),
    ]

    def sleep(seconds):
        if not steps:
            raise Ended
        steps.pop(0)()

    monkeypatch.setattr(logs.time, "sleep", sleep)
    out = io.StringIO()

    with pytest.raises(Ended):
        call_command("logs", "tail", "pallet-counter", "--lines", "0", stdout=out)

    assert [line[-1] for line in out.getvalue().splitlines()] == ["1", "2", "3"]
    assert Harvest.objects.get(deployment=deployment).wanted_until > now()


def test_search_finds_lines_of_all_deployments_by_text_level_name_and_age(deployment, fleet):
    add(deployment, 1, text="Out of MEMORY", level="ERROR", ago=3)
    add(fleet["label-reader"], 2, text="out of memory", level="WARNING")
    add(deployment, 3, text="fine")
    add(deployment, 4, text="out of memory", ago=7200)

    assert [line.split(" ", 1)[0] for line in run("search", "out of memory", "--hours", "1")] == [
        "pallet-counter",
        "label-reader",
    ]
    assert len(run("search", "out of memory")) == 3
    assert len(run("search", "out of memory", "--level", "warning")) == 1
    assert len(run("search", "out of memory", "--name", "label-reader")) == 1
    assert run("search", "nothing like it") == []
    assert len(run("search", "out +of.mem", "--regex")) == 3
    assert run("search", "out +of.mem") == []
    with pytest.raises(CommandError, match="not a regular expression"):
        run("search", "(", "--regex")


def test_export_prints_each_line_as_json_also_of_a_deployment_that_is_gone(deployment):
    add(deployment, 1, ago=2)
    add(deployment, 2)
    deployment.gone_at = now()
    deployment.save()

    rows = [json.loads(line) for line in run("export", deployment.deployment_id)]

    assert [row["insert_id"] for row in rows] == ["i1", "i2"]
    assert {row["deployment_name"] for row in rows} == {"pallet-counter"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tail", "no-such-one"), "There is no deployment no-such-one in acme-vision."),
        (("tail", "pallet-counter", "--workspace", "elsewhere"), "There is no workspace elsewhere."),
    ],
)
def test_an_unknown_name_is_told(arguments, message, deployment):
    with pytest.raises(CommandError, match=message):
        run(*arguments)


def test_several_workspaces_are_named(other_workspace_deployment):
    with pytest.raises(CommandError, match="add --workspace with one of acme-vision, birch-robotics"):
        run("tail", "pallet-counter")
