"""Sign in with a password and a second factor, as a browser does."""

import re

from django.test import Client

from tests.totp import code_of

FACTOR = "/accounts/2fa/"
PASSWORD = {"password": "a long password"}


def confirm(person, path):
    """Open a page of the second factor; it asks for the password first."""
    answer = person.get(path)
    if answer.status_code == 302 and "reauthenticate" in answer.headers["Location"]:
        person.post(answer.headers["Location"], PASSWORD)
        answer = person.get(path)
    return answer


def add_app(person):
    """Add an authenticator app and return its secret."""
    page = confirm(person, f"{FACTOR}totp/activate/").content.decode()
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)[1]
    answer = person.post(f"{FACTOR}totp/activate/", {"code": code_of(secret)})
    assert answer.status_code == 302, answer.content.decode()
    return secret


def sign_in(email="ana@example.com", client=None):
    """Type e-mail and password, in a new browser if none is given; return it and the answer."""
    client = client or Client()
    return client, client.post("/accounts/login/", {"login": email, **PASSWORD})


def is_in(client):
    """Return whether somebody is signed in."""
    return client.get("/keys/").status_code == 200
