"""How the portal logs: one line per event, with ids that match the trail, and never a secret."""

import sys
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from structlog.typing import EventDict, WrappedLogger

from portal.web.masking import mask_secrets

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def mask_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Mask what looks like a key or a token in any text of an event, should a caller have forgotten to."""
    return {key: mask_secrets(value) if isinstance(value, str) else value for key, value in event.items()}


def drop_expected(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Drop the traceback of refusals and bad requests: it says nothing, and strangers could fill the log."""
    info = event.get("exc_info")
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, PermissionDenied | SuspiciousOperation | Http404):
        event.pop("exc_info")
    return event


def skip_probes(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Drop health checks that were answered with 200: they would be several lines every ten seconds."""
    if event.get("request") in ("GET /healthz", "GET /readyz") and event.get("code", 200) == 200:
        raise structlog.DropEvent
    return event


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    drop_expected,
    structlog.processors.format_exc_info,  # without the values of local variables
    mask_event,
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        skip_probes,
        *SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


def logging_config(*, format: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: all goes to stderr, as JSON if `format` is "json", otherwise as plain lines.

    `level` is one of LEVELS and holds for everything but the loggers named here.
    """
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "event": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # urllib3 logs whole addresses at DEBUG, and addresses of Roboflow carry the key.
            "urllib3": {"level": "WARNING"},
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            # Signed heads are on the log stream whatever its level: they are kept there, not only told.
            "portal.audit.sign": {"level": "INFO"},
            # One line per task would hide the rest. Failures are logged at WARNING and above.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_structlog.celery": {"level": "WARNING"},
            # Requests that wait for a thread, one line each; and each client that went away.
            "waitress.queue": {"level": "ERROR"},
            "waitress": {"level": "WARNING"},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "django_structlog": {"level": "WARNING" if format == "console" else level},
        },
    }
