"""How long people stay signed in, and what browsers remember about TLS."""

from typing import Any

from portal.environment import Environment

DAY = 24 * 60 * 60  # seconds
SHORTEST = 300  # seconds; activity is noted once a minute
HSTS_SCOPES = ("host", "subdomains", "preload")


def session_limits(env: Environment) -> tuple[int, float]:
    """Return after how many seconds a session ends: since the sign-in, and since its person did something."""
    longest = "PORTAL_SESSION_SECONDS"
    absolute = int(env.number_setting(longest, 14 * DAY, at_least=SHORTEST, at_most=90 * DAY))
    idle = env.number_setting(
        "PORTAL_SESSION_IDLE_SECONDS",
        min(DAY, absolute),
        at_least=SHORTEST,
        at_most=absolute,
        limit=longest,
    )
    return absolute, idle


def hsts_config(env: Environment, *, is_https: bool) -> dict[str, Any]:
    """Return Django's settings of HSTS, which browsers remember for a year.

    It binds other hosts of the domain only when PORTAL_HSTS says so: the portal cannot know whether they all
    have TLS, and nobody can take it back from browsers, or from the list that is shipped with them.
    """
    scope = env.choice_setting("PORTAL_HSTS", "host", HSTS_SCOPES)
    return {
        "SECURE_HSTS_SECONDS": 365 * DAY if is_https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": is_https and scope in ("subdomains", "preload"),
        "SECURE_HSTS_PRELOAD": is_https and scope == "preload",
    }
