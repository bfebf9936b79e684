"""Sends mail without anybody waiting for the mail server, and never into the log."""

import threading

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

log = structlog.get_logger(__name__)


def is_mail_configured() -> bool:
    """Say whether there is a mail server. The console is none: mails hold links that open accounts, and the log is no place for them."""
    return "console" not in settings.EMAIL_BACKEND


def send_in_background(message: EmailMessage) -> None:
    """Hand a mail to a thread. What goes wrong there is in the log, without the mail."""
    if is_mail_configured():
        threading.Thread(target=send_mail, args=(message,), name="mail", daemon=True).start()
    else:
        log.warning("mail_not_sent", why="EMAIL_URL names no mail server")


def send_mail(message: EmailMessage) -> bool:
    """Send a mail; False when the server is away or refuses it, or when a header cannot be made."""
    try:
        return bool(message.send())
    except (OSError, ValueError) as error:
        log.warning("mail_not_sent", why=type(error).__name__)
        return False
