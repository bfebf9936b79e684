"""Sends mail in the background, and never writes its content to the log."""

import threading

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

log = structlog.get_logger(__name__)


def is_mail_configured() -> bool:
    """Return whether there is a mail server.

    Django's console backend does not count: mails contain links that open accounts, which must not be in the
    log.
    """
    return "console" not in settings.EMAIL_BACKEND


def send_in_background(message: EmailMessage) -> None:
    """Send `message` in a thread, so that the request does not wait. A failure is logged without the mail."""
    if is_mail_configured():
        threading.Thread(target=send_mail, args=(message,), name="mail", daemon=True).start()
    else:
        log.warning("mail_not_sent", why="EMAIL_URL names no mail server")


def send_mail(message: EmailMessage) -> bool:
    """Send `message` and return whether the mail server accepted it. A failure is logged without the mail."""
    try:
        return bool(message.send())
    except (OSError, ValueError) as error:  # ValueError: a header has a line break
        log.warning("mail_not_sent", why=type(error).__name__)
        return False
