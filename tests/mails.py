"""The mails that the portal sent. A thread sends most of them, so a test has to wait for it."""

import threading

from django.core import mail
from django.core.mail import EmailMessage


def wait_for_mails() -> None:
    """Return after every thread that sends a mail has ended. Raises AssertionError after 20 seconds."""
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(20)
            assert not thread.is_alive(), "a mail is not sent after 20 seconds"


def sent_mails() -> list[EmailMessage]:
    """Return all mails that this test sent so far, oldest first."""
    wait_for_mails()
    return list(mail.outbox)
