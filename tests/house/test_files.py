"""The house stays tidy: short files, short functions, no inline style or script, every module with a sentence."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = [
    path
    for folder in ("portal", "deployments")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
]
TEMPLATES = list((ROOT / "templates").rglob("*.html"))
ROOMS = [
    "web",
    "audit",
    "accounts",
    "workspaces",
    "keys",
    "ledger",
    "fleet",
    "logs",
    "activity",
    "operations",
    "team",
    "system",
]
LONG_FILES: set[str] = set()
UPWARD = {  # the named slots: a template of a lower room loads the tags of an upper one
    ("web", "workspaces"),
    ("web", "fleet"),
    ("fleet", "operations"),
    ("fleet", "activity"),
}


def test_no_file_is_longer_than_300_lines():
    long = {str(path.relative_to(ROOT)) for path in SOURCES if len(path.read_text().splitlines()) > 300}

    assert long == LONG_FILES  # also when one is no longer needed here


@pytest.mark.parametrize(
    ("folder", "suffix", "longest"),
    [("portal", ".py", 110), ("deployments", ".py", 110), ("tests", ".py", 110), ("templates", ".html", 140)],
)
def test_no_line_is_too_long(folder, suffix, longest):
    paths = [path for path in (ROOT / folder).rglob(f"*{suffix}") if "migrations" not in path.parts]

    assert paths
    assert not [
        f"{path.relative_to(ROOT)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > longest
    ]


def test_every_module_begins_with_a_sentence():
    assert not [
        path for path in SOURCES if not (ast.get_docstring(ast.parse(path.read_text())) or "").strip()
    ]


def test_no_function_is_longer_than_60_lines():
    functions = [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]

    assert not [(path, node.name) for path, node in functions if node.end_lineno - node.lineno >= 60]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\sstyle=",
        r"<style",
        r"<script(?![^>]*src=)",
        r"\son(?:click|load|error|submit|change|input|key\w+|focus|blur|mouse\w+)=",
        r"hx-on",
        r"javascript:",
    ],
)
def test_no_template_holds_style_or_script(pattern):
    assert not [path for path in TEMPLATES if re.search(pattern, path.read_text())]


def test_no_style_shouts():
    assert not [path for path in (ROOT / "static" / "css").glob("*.css") if "!important" in path.read_text()]


def test_templates_load_downwards_but_for_the_named_slots():
    def room(name):
        return name.split("/")[0]

    wrong = []
    for path in TEMPLATES:
        own = path.relative_to(ROOT / "templates").parts[0]
        if own not in ROOMS:
            continue
        text = path.read_text()
        used = {room(one) for one in re.findall(r'{% (?:include|extends) "([^"]+)"', text)}
        used |= {
            one for line in re.findall(r"{% load ([\w ]+) %}", text) for one in line.split() if one in ROOMS
        }
        wrong += [
            (own, one)
            for one in used
            if one in ROOMS and ROOMS.index(one) > ROOMS.index(own) and (own, one) not in UPWARD
        ]
    assert not wrong
