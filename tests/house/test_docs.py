"""Tests that a document names exist, its links lead to files, and settings of the README are read."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def named_tests(text):
    """Yield (file, test) for each `tests/room/test_x.py::test_y`; `…::test_y` repeats the file before it."""
    file = ""
    for path, name in re.findall(r"(?:(tests/[\w/]+\.py)|…)::(test_\w+)", text):
        file = path or file
        yield file, name


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(doc):
    wrong = [
        (file, name)
        for file, name in named_tests(doc.read_text())
        if f"def {name}(" not in (ROOT / file).read_text()
    ]

    assert wrong == []


def test_the_security_document_names_more_than_60_tests():
    assert len(list(named_tests((ROOT / "docs" / "security.md").read_text()))) > 60


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: path.name)
def test_every_file_that_a_document_links_to_exists(doc):
    links = [
        link.split("#")[0]
        for link in re.findall(r"\]\(([^)]+)\)", doc.read_text())
        if not link.startswith("http")
    ]

    assert [link for link in links if link and not (doc.parent / link).exists()] == []


def test_every_setting_of_the_readme_is_read_somewhere():
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"[A-Z][A-Z_]+", row)}
    files = [*(ROOT / "portal").rglob("*.py"), ROOT / "docker-compose.yml", ROOT / "Makefile"]
    sources = "".join(path.read_text() for path in files)

    assert len(names) > 20
    assert [name for name in names if name not in sources] == []
