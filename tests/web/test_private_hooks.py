"""The places where the portal depends on the inside of a library: a test fails when the library changes.

Each test says what to do then.
"""

import inspect
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.core.ratelimit import consume
from allauth.mfa.webauthn.internal.auth import STATE_SESSION_KEY
from django.core.cache import cache
from django.db import connection
from django.test import RequestFactory

from portal.accounts import ceremonies, login_attempts
from portal.accounts.login_attempts import LoginAttemptsByAddress
from portal.web.limits import is_within_limit

ROOT = Path(__file__).resolve().parent.parent.parent
PRIVATE = re.compile(r"allauth\.[\w.]*\binternal\b|_base_set|\bsuper\(\)\._[a-z]")


@pytest.fixture
def two_a_minute(settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"export": "2/m/user", "sync": "2/m/key"}


@pytest.fixture
def exporting(ana):
    """A GET request of Ana's."""
    request = RequestFactory().get("/w/acme-vision/?format=csv")
    request.user = ana.user
    return request


def test_no_file_uses_private_names_of_allauth_or_the_cache():
    sources = [path for room in ("web", "accounts") for path in (ROOT / "portal" / room).rglob("*.py")]

    assert sources
    assert [path.name for path in sources if PRIVATE.search(path.read_text())] == []


def test_the_file_of_the_private_hook_names_the_installed_version():
    """When this fails: read allauth's changes to the method, then write the new version into the file."""
    assert f"django-allauth {version('django-allauth')}." in login_attempts.__doc__


def test_allauth_still_counts_wrong_passwords_by_a_private_key_with_the_host():
    """When this fails: allauth renamed the method or does not use the Host header. Change the override."""
    theirs = DefaultAccountAdapter()._get_login_attempts_cache_key
    at_one, at_two = (
        RequestFactory().get("/", headers={"host": host}) for host in ("testserver", "localhost")
    )

    assert "_get_login_attempts_cache_key" in inspect.getsource(DefaultAccountAdapter.pre_authenticate)
    assert theirs(at_one, email="ana@example.com") != theirs(at_two, email="ana@example.com")


def test_allauth_still_keeps_challenges_and_half_sign_ins_under_these_names():
    """When this fails: change the names in portal/accounts/ceremonies.py."""
    assert (ceremonies.STATE_SESSION_KEY, ceremonies.LOGIN_SESSION_KEY) == (
        STATE_SESSION_KEY,
        LOGIN_SESSION_KEY,
    )


def test_our_key_is_the_address_alone():
    ours = LoginAttemptsByAddress()._get_login_attempts_cache_key

    assert ours(RequestFactory().get("/"), email="Ana@Example.com") == "ana@example.com"
    assert ours(RequestFactory().get("/"), username="Ben@example.com", password="x") == "ben@example.com"
    assert ours(RequestFactory().get("/")) == ""


def test_allauth_counts_no_get_request_by_itself(two_a_minute, exporting):
    """When this fails: allauth counts GET requests. Then limits.py needs no copy of the request."""
    assert [consume(exporting, action="export", user=exporting.user) for _ in range(4)] == [True] * 4


def test_our_limits_count_get_requests_and_leave_the_request_alone(two_a_minute, exporting):
    assert [is_within_limit(exporting, "export") for _ in range(3)] == [True, True, False]
    assert exporting.method == "GET"


def test_limits_by_key_do_not_depend_on_the_person(two_a_minute, exporting):
    assert [is_within_limit(exporting, "sync", key="1") for _ in range(3)] == [True, True, False]
    assert is_within_limit(exporting, "sync", key="2")


def test_the_cache_stores_and_reads_back(db):
    cache.set("fresh", [1.5])
    cache.set("fresh", [2.5])

    assert cache.get("fresh") == [2.5]
    assert cache.add("lock", 1) and not cache.add("lock", 2)


def test_the_probe_fits_the_table_that_django_creates(db):
    """When this fails: Django renamed the columns of its cache table, or `cache_model_class`."""
    cache.require_writable()
    cache.require_writable()

    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM portal_cache WHERE cache_key = 'probe'")
        assert cursor.fetchone() == (1,)
