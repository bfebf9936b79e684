"""Scripts and styles have a digest of their content in their names, so a browser keeps them."""

import re

import pytest


@pytest.fixture
def files(client, db):
    """The addresses of the scripts, styles and icons of a page."""
    page = client.get("/accounts/login/").content.decode()
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', page)


def test_a_browser_keeps_scripts_and_styles_and_never_asks_again(files, client):
    kept = {url: client.get(url).headers["Cache-Control"] for url in files if "/CACHE/" in url}

    assert len(kept) == 2
    assert all("immutable" in value for value in kept.values()), kept


def test_every_file_of_a_page_has_a_digest_in_its_name(files):
    assert files
    assert [url for url in files if not re.search(r"\.[0-9a-f]{12}\.[a-z0-9]+(#|$)", url)] == []
