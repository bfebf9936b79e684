"""The settings of the log store: how many calls it may make, and how much it keeps."""

from portal.environment import Environment


def log_limits(env: Environment) -> tuple[int, float, float]:
    """Return the calls of one workspace in a minute, the days that lines are kept, and the most gigabytes.

    A gigabyte has 10^9 bytes; it counts for each workspace.
    """
    return (
        int(env.number_setting("LOG_CALLS_PER_MINUTE", 120, at_least=1, at_most=10_000)),
        env.number_setting("LOG_RETENTION_DAYS", 30, at_least=0.01, at_most=3650),
        env.number_setting("LOG_RETENTION_GB", 2, at_least=0.001, at_most=10_000),
    )
