"""Every response has the strict headers."""

import pytest
from django.test import Client


def test_every_page_has_strict_headers(ana):
    headers = ana.get("/keys/").headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store, private"
    assert headers["X-Frame-Options"] == "DENY" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin" and "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize(
    "path", ["/", "/no/such/page/", "/static/none.css", "/keys", "/favicon.ico", "/healthz"]
)
@pytest.mark.parametrize("host", ["testserver", "evil.example"])
def test_every_answer_has_the_headers_also_those_that_come_before_any_page(path, host, db):
    headers = Client(headers={"host": host}).get(path).headers

    assert (
        "default-src 'none'" in headers["Content-Security-Policy"]
        and headers["X-Content-Type-Options"] == "nosniff"
    )
    assert (
        headers["X-Frame-Options"] == "DENY"
        and headers["Referrer-Policy"] == "same-origin"
        and "camera=()" in headers["Permissions-Policy"]
    )


def test_signing_out_clears_what_the_browser_keeps_by_form_and_by_htmx(ana, ben):
    form = ana.post("/accounts/logout/")
    htmx = ben.post("/accounts/logout/", headers={"HX-Request": "true"})

    assert "storage" in form.headers["Clear-Site-Data"] and "storage" in htmx.headers["Clear-Site-Data"]
