"""How the portal logs: one line per event, with ids that match the trail, and never a secret."""

import sys
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from structlog.typing import EventDict, WrappedLogger

from portal.web.masking import mask_secrets


def mask_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Mask whatever looks like a key or a token in any text of an event: the second line of defence."""
    return {key: mask_secrets(found) if isinstance(found, str) else found for key, found in event.items()}


def drop_expected(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Tell of refusals and bad requests in a line: their tracebacks say nothing and let strangers fill the log."""
    found = event.get("exc_info")
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, PermissionDenied | SuspiciousOperation | Http404):
        event.pop("exc_info")
    return event


def skip_probes(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Leave out that machines asked whether all is well, and that it is: several lines each ten seconds."""
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
    """Return Django's LOGGING: everything to stderr, as JSON lines for machines or short lines for people."""
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
            # A line for each task would drown the rest; failures are told all the same.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_structlog.celery": {"level": "WARNING"},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "django_structlog": {"level": "WARNING" if format == "console" else level},
        },
    }
