"""How much is kept, and for how long; and how many calls the log store may make."""

from portal.environment import Environment


def kept_limits(env: Environment) -> tuple[int, float, float, float]:
    """Return calls for logs in a minute, days and gigabytes of lines, and days of the other history.

    Calls and gigabytes (10^9 bytes) count for each workspace. Pages show 30 days, so history has more.
    """
    return (
        int(env.number_setting("LOG_CALLS_PER_MINUTE", 120, at_least=1, at_most=10_000)),
        env.number_setting("LOG_RETENTION_DAYS", 30, at_least=0.01, at_most=3650),
        env.number_setting("LOG_RETENTION_GB", 2, at_least=0.001, at_most=10_000),
        env.number_setting("HISTORY_RETENTION_DAYS", 400, at_least=31, at_most=36_500),
    )
