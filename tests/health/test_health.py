"""Health: what each part says of itself is the truth."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from portal.health.beat import LATE, record_heartbeats


def test_the_web_process_answers_without_anybody_else(client, db):
    assert client.get("/healthz").status_code == 200


def test_ready_needs_every_part(client, db):
    assert client.get("/readyz").status_code == 503

    record_heartbeats(["worker", "beat"], now=now())

    answer = client.get("/readyz")
    assert answer.status_code == 200 and set(answer.json()["parts"]) == {
        "database",
        "redis",
        "worker",
        "beat",
    }


@pytest.mark.parametrize("part", ["worker", "beat"])
def test_a_part_not_seen_lately_is_not_healthy(part, client, db):
    record_heartbeats(["worker", "beat"], now=now())
    call_command("healthcheck", part)

    record_heartbeats([part], now=now() - LATE - timedelta(seconds=1))

    with pytest.raises(CommandError, match="not seen lately"):
        call_command("healthcheck", part)
    assert client.get("/readyz").status_code == 503


def test_who_was_alive_before_everything_was_started_anew_does_not_count(client, db):
    record_heartbeats(["worker", "beat"], now=now())

    call_command("forget_heartbeats")

    answer = client.get("/readyz")
    assert (
        answer.status_code == 503
        and answer.json()["parts"]["worker"] == answer.json()["parts"]["beat"] == "was not seen yet"
    )


def test_health_tells_strangers_no_more_than_words(client, db):
    text = client.get("/readyz").content.decode()

    assert "Traceback" not in text and "password" not in text and "/tmp" not in text


def test_the_system_page_names_the_parts(ana, fleet):
    record_heartbeats(["worker", "beat"], now=now())

    page = ana.get("/system/").content.decode()

    assert all(part in page for part in ("worker", "beat", "redis", "database"))
