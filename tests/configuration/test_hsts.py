"""HSTS: for the portal's host, and for others of its domain only when a setting says so."""

import pytest
from django.test import Client

YEAR = "max-age=31536000"


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({}, YEAR),
        ({"PORTAL_HSTS": "host"}, YEAR),
        ({"PORTAL_HSTS": "subdomains"}, f"{YEAR}; includeSubDomains"),
        ({"PORTAL_HSTS": "Preload"}, f"{YEAR}; includeSubDomains; preload"),
        ({"PORTAL_BASE_URL": "http://localhost:8000", "PORTAL_HSTS": "preload"}, None),
    ],
)
def test_hsts_binds_other_hosts_of_the_domain_only_when_a_setting_says_so(
    variables, header, load_settings, settings, db
):
    loaded = load_settings(**{"PORTAL_BASE_URL": "https://portal.example.com", **variables})
    for name in ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD"):
        setattr(settings, f"SECURE_HSTS_{name}", loaded[f"SECURE_HSTS_{name}"])

    answer = Client().get("/accounts/login/", secure=True)

    assert answer.headers.get("Strict-Transport-Security") == header
