"""The text that each match of a regular expression contains."""

import pytest
from django.utils.timezone import now
from hypothesis import example, given
from hypothesis import strategies as st

from deployments.logs.literals import required_text
from deployments.logs.models import Line
from deployments.logs.search import filter_lines
from deployments.logs.words import BadPattern, expression_pattern


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("", ""),
        ("error", "error"),
        (r"took \d+ ms", "too"),
        (r"code=5\d\d at node", " at node"),
        (r"GET /infer\?id=", "GET /infer?id="),
        (r"^ERROR:", "ERROR:"),
        ("colou?r code", "r code"),
        ("error|warning", ""),
        ("(error)? in module", " in module"),
        ("(out of )?memory", "memory"),
        ("ab+cde", "cde"),
        ("abcd+e", "abcd"),
        ("abcd*e", "abc"),
        ("abcd{2,3}efgh", "efgh"),
        ("abc{x", "abc"),
        ("[abc]def[^]x]ghij", "ghij"),
        (r"[[:alpha:]\]]+ done", " done"),
        (r"\bmemory\b", "memory"),
        (r"\x41bcdef", ""),
        (r"\pNabcdef", ""),
        (r"\Qa.b\E", ""),
        ("task", ""),  # k and s also match the Kelvin sign and the long s
        ("Größe error", "e error"),
        (r"(?-i)Error (\d+)", "Error "),
        ("(abc(def)ghi)jkl", ""),
        ("(abc)xyz", "xyz"),
        (r"a\.b\.c", "a.b.c"),
        (r"trailing\\", "trailing\\"),
    ],
)
def test_it_is_the_longest_part_that_cannot_be_left_out(expression, text):
    assert required_text(expression) == text


PLAIN = ["abc", "xyz", "ERR", "task", "a", "b", "1", "-", "/", ":", ","]
SPECIAL = [
    r".",
    r"\.",
    r"\d",
    r"\w+",
    r"\s*",
    r"[a-c]",
    r"[^x]",
    r"[]a]",
    r"[[:digit:]]",
    r"[\]\\]",
    r"^",
    r"$",
    r"\b",
    r"\\",
    r"\*",
    r"\x41",
    r"\pL",
    r"\Qa+\E",
    r"a{2}",
    r"{",
    r"}",
    r"{2",
]
GROUPS = ["(abc)", "(?:xyz)", "(?i:q)", "(a|b)", "((ab)c)", "|"]
OTHER_ALPHABETS = ["\u212a", "ſ", "ß", "É"]
ATOMS = st.sampled_from([*PLAIN, "time out", *SPECIAL, *GROUPS, *OTHER_ALPHABETS])
QUANTIFIERS = st.sampled_from(["", "", "", "", "*", "+", "?", "*?", "+?", "{0,1}", "{2}", "{1,}", "{0}"])
EXPRESSIONS = st.lists(st.tuples(ATOMS, QUANTIFIERS).map("".join), min_size=1, max_size=6).map("".join)
TEXTS = st.text(st.sampled_from("abcxyzERrtime outask12.\\*+-/:|{},\u212aſßÉ[]"), max_size=40)


@given(EXPRESSIONS, st.lists(TEXTS, min_size=1, max_size=8))
@example("task a", ["TAſ\u212a A"])
@example("abc{0}def", ["abdef"])
@example("abc?", ["ab"])
def test_whatever_matches_contains_it(expression, texts):
    try:
        pattern = expression_pattern(expression)
    except BadPattern:
        return
    required = required_text(expression).lower()
    for text in [*texts, "".join(texts), expression]:
        match = pattern.search(text)
        assert match is None or required in match.group().lower()


def test_the_database_leaves_out_lines_that_cannot_match_and_no_other(deployment):
    payloads = ["code 500 at node-3", "CODE 503 AT NODE-4", "code 404", "at node-5", "\u212a 500 at node"]
    for number, payload in enumerate(payloads):
        Line.objects.create(deployment=deployment, insert_id=f"{number}", timestamp=now(), payload=payload)
    query = {"q": r"5\d\d at node", "regex": True}

    found = {line.payload for line in filter_lines(Line.objects.all(), query)}

    assert found == {payloads[0], payloads[1], payloads[4]}
    assert {text for text in payloads if expression_pattern(query["q"]).search(text)} <= found
