"""The table of all strikes: what breaks, and for how long."""

import signal

from tests.faults.answer_strikes import lagging, partial_entries, slow_effects
from tests.faults.clock_strikes import clock_of_portal, clock_of_roboflow, clocks_of_hosts
from tests.faults.elsewhere import restored_elsewhere
from tests.faults.people_strikes import crowd, no_strike, role_lowered
from tests.faults.process_strikes import (
    CHANGES,
    HELD_AFTER,
    a_second,
    is_processed,
    is_sending,
    killed,
    stopped,
    web_killed_before_publish,
    worker_killed_before_commit,
    worker_struck_when,
)
from tests.faults.roboflow_strikes import changed_outside, failing, key_refused, lists_wrapped, recreated
from tests.faults.running_portal import LEASE_SECONDS
from tests.faults.silence_strikes import (
    CHANGE_GROUPS,
    READ_GROUPS,
    keys_refused_everywhere,
    keys_refused_in_passing,
    rate_limited,
    silent,
)
from tests.faults.storage_strikes import broker_full, broker_wiped, disk_full, on_database
from tests.faults.stranger_strikes import bulk_change
from tests.faults.strike import Strike

READS = ("/get", "/list")
LATE_SECONDS = 4  # beyond the portal's read time-out of 2 s
HELD_BEFORE_GET = {"endpoint": "/get", "kind": "timeout_before", "count": 2, "seconds": 1.5}

PEOPLE = [
    Strike("two people, each clicking twice", crowd, (2, 4)),
    Strike("role lowered between click and call", role_lowered),
]
PROCESSES = [
    Strike("web killed", killed("web")),
    Strike("web killed before it published", web_killed_before_publish, (1.5, 3)),
    Strike("worker killed", killed("worker-act")),
    Strike("worker killed before it sent", worker_struck_when(HELD_BEFORE_GET, is_sending)),
    *(
        Strike(
            f"worker killed after {path} and before its reply",
            worker_struck_when({**HELD_AFTER, "endpoint": path}, is_processed),
        )
        for path in ("/add", "/pause")
    ),
    Strike(
        "worker shut down in the middle of a call",
        worker_struck_when({**HELD_AFTER, "endpoint": "/pause"}, is_processed, signal.SIGTERM),
    ),
    Strike(
        "worker stopped beyond its lease", stopped("worker-act"), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2)
    ),
    Strike("worker killed after the reply and before its commit", worker_killed_before_commit),
    Strike("worker of reads killed", killed("worker-read")),
    Strike("worker of reads stopped", stopped("worker-read"), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2)),
    Strike("worker of ticks killed", killed("worker-tick")),
    Strike("worker of ticks stopped", stopped("worker-tick"), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2)),
    Strike("two workers", a_second("worker-act"), (1, 3)),
    Strike("two workers of reads", a_second("worker-read"), (1, 3)),
    Strike("two beats", a_second("beat"), (1, 3)),
    Strike("beat killed", killed("beat")),
    Strike("beat stopped", stopped("beat"), (5, 8)),
]
STORAGE = [
    Strike("broker killed", killed("broker")),
    Strike("broker stopped", stopped("broker"), (1, 4)),
    Strike("broker away for a minute", stopped("broker"), (60, 60), is_long=True),
    Strike("broker wiped", broker_wiped),
    Strike("broker full", broker_full, (1, 3)),
    Strike("database busy", on_database("busy"), (1, 4)),
    Strike("disk full", disk_full, (1, 3), only="sqlite"),
    Strike("database's disk full", on_database("full"), (1, 3), only="postgresql"),
    Strike("database: connections dropped", on_database("dropped"), only="postgresql"),
    Strike("database killed", on_database("killed"), (1, 3), only="postgresql"),
    Strike("database stopped", on_database("stopped"), (1, 4), only="postgresql"),
]
ROBOFLOW = [
    Strike("Roboflow killed", killed("sandbox")),
    Strike("Roboflow stopped", stopped("sandbox"), (2, 5)),
    Strike(
        "changes: no reply before",
        failing(CHANGES, {"kind": "reset_before"}, {"kind": "timeout_before", "seconds": LATE_SECONDS}),
    ),
    Strike(
        "changes: reply lost after",
        failing(
            CHANGES,
            {"kind": "reset_after"},
            {"kind": "timeout_after", "seconds": LATE_SECONDS},
            {"kind": "truncated"},
        ),
    ),
    Strike(
        "changes: 5xx before and after",
        failing(
            CHANGES,
            *({"kind": "status", "status": code} for code in (500, 502, 503)),
            *({"kind": "status_after", "status": code} for code in (500, 502, 503)),
        ),
    ),
    Strike(
        "changes: 4xx",
        failing(
            CHANGES,
            *({"kind": "status", "status": code, "retry_after": "1"} for code in (400, 403, 404, 409, 429)),
        ),
    ),
    Strike(
        "changes: pages, bytes, redirects",
        failing(
            CHANGES,
            {"kind": "html"},
            {"kind": "binary"},
            {"kind": "redirect"},
            {"kind": "slow_drip", "seconds": 0.5},
        ),
    ),
    Strike("changes: taken and not done", failing(CHANGES, {"kind": "ignored"})),
    Strike(
        "reads: no or broken answers",
        failing(
            READS,
            {"kind": "reset_before"},
            {"kind": "truncated"},
            {"kind": "wrong_json"},
            {"kind": "html"},
            {"kind": "status"},
        ),
    ),
    Strike(
        "reads: wrong types, unknown fields",
        failing(READS, {"kind": "wrong_types"}, {"kind": "extra_fields"}),
    ),
    Strike("lists in the other shape", lists_wrapped),
    Strike("stuck pending", failing(("/add", "/resume"), {"kind": "stuck_pending"})),
    Strike("key refused in the middle", key_refused),
    Strike(
        "lists: empty, doubled, bad entries",
        failing(("/list",), {"kind": "empty_list"}, {"kind": "doubled_entries"}, {"kind": "bad_entry"}),
    ),
    Strike("lists lag behind creates", failing(("/add",), {"kind": "lag", "seconds": 1.5})),
    Strike("made anew under the same name", recreated),
    Strike("changed outside", changed_outside),
]
TRUTH = [
    Strike("silence: reads", silent(*READ_GROUPS), (3, 12), stays_ready=True, watched_log=True),
    Strike("silence: changes", silent(*CHANGE_GROUPS), (3, 8), stays_ready=True),
    Strike("silence: everything", silent("*"), (2, 8), stays_ready=True, watched_log=True, is_long=True),
    Strike("lists are late", lagging("/list"), (2, 4.5), stays_ready=True),
    Strike("/get is late", lagging("/get"), (2, 4.5), stays_ready=True),
    Strike("lists and /get are late", lagging("*"), (2, 4.5), stays_ready=True, is_long=True),
    Strike("partial entries", partial_entries, (2, 6), stays_ready=True),
    Strike("effects show late", slow_effects, (2, 4), stays_ready=True),
    Strike("401 in passing", keys_refused_in_passing, (1, 6), stays_ready=True),
    Strike("401, and from the key check", keys_refused_everywhere, (2, 8), stays_ready=True, is_long=True),
    Strike("429 with Retry-After", rate_limited, (2, 6), stays_ready=True, watched_log=True),
    Strike("Roboflow's clock steps", clock_of_roboflow, (8, 14), stays_ready=True, watched_log=True),
    Strike("the portal's clock steps", clock_of_portal, (2, 6), is_clock_wrong=True, is_long=True),
    Strike("clocks of hosts differ", clocks_of_hosts, (4, 9), only="postgresql", is_clock_wrong=True),
    Strike("a stranger changes many", bulk_change, stays_ready=True),
    Strike("restored on another machine", restored_elsewhere),
]
STRIKES = [*PEOPLE, *PROCESSES, *STORAGE, *ROBOFLOW, *TRUTH, Strike("nothing strikes", no_strike)]


def strikes_on(database: str) -> list[Strike]:
    """Return the strikes that are possible on a database."""
    return [one for one in STRIKES if one.only in ("", database)]
