"""Strikes by people: they click at the same time, or lose their role between click and call."""

import random

from tests.faults.database import Heal, wait_for
from tests.faults.process_strikes import stopped
from tests.faults.running_portal import WORKSPACE_PATH, RunningPortal
from tests.faults.strike import nothing

BEN_MEMBER = """SELECT m.id FROM workspaces_membership m JOIN accounts_user u ON u.id = m.user_id
    WHERE u.email = 'ben@example.com'"""
BEN_UNSENT = "SELECT 1 FROM ledger_operation WHERE reason = 'of Ben' AND state IN ('queued', 'sending')"


def crowd(running: RunningPortal, rng: random.Random) -> Heal:
    """Let Ana post each form twice at once, and Ben the same change beside her."""
    running.is_crowded = True

    def heal() -> None:
        running.is_crowded = False

    return heal


def role_lowered(running: RunningPortal, rng: random.Random) -> Heal:
    """Make Ben a viewer after he asked for a change and before a worker claims it, until the end."""
    member_path = f"{WORKSPACE_PATH}team/{running.rows(BEN_MEMBER)[0]['id']}/role/"
    deployments = running.changeable()
    one = rng.choice([one for one in deployments if one["status"] == "ready"] or deployments)
    continue_worker = stopped("worker-act")(running, rng)
    try:
        fields = {"form_token": f"{rng.getrandbits(128):032x}", "reason": "of Ben"}
        pause_path = f"{WORKSPACE_PATH}deployments/{one['deployment_id']}/pause/"
        running.ben.submit(pause_path, fields, is_database_away=True)
        running.ana.submit(member_path, {"role": "viewer"}, is_database_away=True)
    finally:
        continue_worker()

    def heal() -> None:
        wait_for(lambda: not running.rows(BEN_UNSENT), seconds=20)
        running.ana.submit(member_path, {"role": "operator"})

    return heal


def no_strike(running: RunningPortal, rng: random.Random) -> Heal:
    """Break nothing, to compare with."""
    return nothing
