"""The health pages and commands show the state of each part as it is."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now
from portal.health.beat import LATE, record_heartbeats

MARGIN = timedelta(seconds=10)


def test_the_web_process_is_healthy_without_the_other_parts(client, db):
    assert client.get("/healthz").status_code == 200


def test_ready_needs_every_part(client, db):
    assert client.get("/readyz").status_code == 503

    record_heartbeats(["worker", "beat"], now=now())

    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert set(answer.json()["parts"]) == {"database", "redis", "worker", "beat"}


@pytest.mark.parametrize("part", ["worker", "beat"])
@pytest.mark.parametrize("age", [LATE + MARGIN, -LATE - MARGIN], ids=["too old", "in the future"])
def test_a_part_not_seen_lately_is_not_healthy(part, age, client, db):
    record_heartbeats(["worker", "beat"], now=now())
    call_command("healthcheck", part)

    record_heartbeats([part], now=now() - age)

    with pytest.raises(CommandError, match="not seen lately"):
        call_command("healthcheck", part)
    assert client.get("/readyz").status_code == 503


def test_heartbeats_from_before_a_restart_do_not_count(client, db):
    record_heartbeats(["worker", "beat"], now=now())

    call_command("forget_heartbeats")

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"] == "was not seen yet"
    assert answer.json()["parts"]["beat"] == "was not seen yet"


def test_health_tells_strangers_no_more_than_words(client, db):
    text = client.get("/readyz").content.decode()

    assert "was not seen yet" in text
    assert "Traceback" not in text and "password" not in text and "/tmp" not in text


def test_the_system_page_names_the_parts(ana, fleet):
    record_heartbeats(["worker", "beat"], now=now())

    page = ana.get("/system/").content.decode()

    assert [part for part in ("worker", "beat", "redis", "database") if part not in page] == []
