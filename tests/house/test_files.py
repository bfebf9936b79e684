"""Files and functions are short, templates hold no style or script, and use templates of lower rooms only."""

import ast
import re
import tomllib
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
}


def test_no_file_is_longer_than_300_lines():
    long = {str(path.relative_to(ROOT)) for path in SOURCES if len(path.read_text().splitlines()) > 300}

    assert long == LONG_FILES  # also when an exception is no longer needed here


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
    assert not [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]


def test_no_function_is_longer_than_60_lines():
    functions = [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]

    assert functions
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
    assert TEMPLATES
    assert not [path for path in TEMPLATES if re.search(pattern, path.read_text())]


def test_no_style_rule_is_marked_important():
    sheets = list((ROOT / "static" / "css").glob("*.css"))

    assert sheets
    assert not [path for path in sheets if "!important" in path.read_text()]


def room_levels():
    """Return room to level, 0 for the lowest, from the import contract in pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return {
        room.strip().split(".")[1]: level
        for level, layer in enumerate(reversed(layers))
        for room in layer.split("|")
    }


def used_rooms(template):
    """Return the rooms whose templates or template tags a template uses."""
    text = template.read_text()
    rooms = {name.split("/")[0] for name in re.findall(r'{% (?:include|extends) "([^"]+)"', text)}
    for tags in re.findall(r"{% load ([\w ]+) %}", text):
        rooms |= set(tags.split())
    return rooms


def test_templates_use_lower_rooms_only_but_for_the_named_slots():
    levels = room_levels()
    upward = {
        (own, used)
        for path in TEMPLATES
        if (own := path.relative_to(ROOT / "templates").parts[0]) in levels
        for used in used_rooms(path) & set(levels)
        if used != own and levels[used] >= levels[own]
    }

    assert upward == UPWARD  # also when a slot is no longer needed here
