"""Which queue each task runs in, and what each queue promises."""

ACT, READ, TICK = "act", "read", "tick"
QUEUES = {
    ACT: "what a person asked for: claimed within a second, whatever Roboflow's lists and logs do",
    READ: "calls that nobody waits for, as for lists and logs: all may hang at once, and nobody else notices",
    TICK: "short work on the database alone: never waits for Roboflow",
}
ROUTES = {  # every other task is a tick
    "operations.run": ACT,
    "operations.run_batch": ACT,
    "operations.look": ACT,
    "operations.check_again": ACT,
    "fleet.sync": READ,
    "logs.harvest": READ,
    "keys.recheck_due": READ,
    "audit.send_statement": READ,
}
CONCURRENCY = {ACT: 8, READ: 8, TICK: 2}  # threads of one worker process
