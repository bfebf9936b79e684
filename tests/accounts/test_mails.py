"""What the portal mails: who, what, when and from where, in plain words, and what to do if it was not you."""

import re

import pytest
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.test import RequestFactory

from tests.mails import sent_mails

ADDRESS = "http://localhost:8000"
PREFIXES = [
    "account/email/password_changed",
    "account/email/password_reset",
    "account/email/password_set",
    "mfa/email/totp_activated",
    "mfa/email/totp_deactivated",
    "mfa/email/webauthn_added",
    "mfa/email/webauthn_removed",
    "mfa/email/recovery_codes_generated",
]


def sent_mail():
    """Return the one mail that was sent."""
    (message,) = sent_mails()
    return message


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_change_of_an_account_is_mailed_in_our_own_words(prefix, ana):
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="A browser & <more>")
    request.user = ana.user

    with request_context(request):
        get_adapter().send_notification_mail(prefix, ana.user, email=ana.user.email)

    message = sent_mail()
    assert message.subject.startswith("[Portside] ") and message.to == ["ana@example.com"]
    first, *rest = message.body.strip().splitlines()
    assert re.search(r"password|authenticator app|passkey|recovery codes", first) and first.endswith(".")
    text = "\n".join(rest)
    assert "From: 192.0.2.7" in text and "With: A browser & <more>" in text
    assert re.search(r"When: 20\d\d-\d\d-\d\d \d\d:\d\d UTC", text)
    assert f"Was that not you? Choose a new password at {ADDRESS}/accounts/password/reset/" in text
    assert "Hello from" not in message.body and "Thank you" not in message.body


def test_the_link_for_a_new_password_comes_with_what_it_does(ana, client):
    client.post("/accounts/password/reset/", {"email": "ana@example.com"})

    message = sent_mail()
    assert message.subject == "[Portside] Choose a new password"
    assert message.body.startswith("Somebody, probably you, asked to choose a new password for your account.")
    assert re.search(rf"\n{ADDRESS}/accounts/password/reset/key/\S+/\n", message.body)
    assert message.body.rstrip().endswith(f"Portside, the deployment portal for Roboflow: {ADDRESS}")
