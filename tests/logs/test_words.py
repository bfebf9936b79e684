"""What a search looks for: words, phrases, any alphabet, and regular expressions that cannot hang."""

import time
from unicodedata import normalize

import pytest
from django.utils.timezone import now

from deployments.logs.models import Line
from deployments.logs.search import QueryForm, filter_lines
from deployments.logs.words import BadPattern, expression_pattern, spellings_of, terms_of, terms_pattern


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  two  words ", ["two", "words"]),
        ('"a phrase" word', ["a phrase", "word"]),
        ('half" a phrase', ['half"', "a", "phrase"]),
        ('""', ['""']),
        ("twice twice", ["twice"]),
    ],
)
def test_a_search_has_words_and_phrases(text, terms):
    assert terms_of(text) == terms


@pytest.mark.parametrize(
    ("term", "payload"),
    [
        ("ärger", "Viel ÄRGER im Lager"),
        ("ÄRGER", "viel ärger"),
        ("ÄRGER", normalize("NFD", "viel ärger")),
        (normalize("NFD", "ärger"), "viel Ärger"),
        ("straße", "STRASSE GESPERRT"),
        ("ПРИВЕТ", "привет мир"),
        ("ναύσ", "ΝΑΎΣ"),
        ("検査", "検査 done"),
        ("é.c", "É.C"),
        ("ø(1)*", "Ø(1)*"),
        ("🚀", "🚀 started"),
        ("Error", "an ERROR"),
        ("100%_\\", "is 100%_\\ done"),
    ],
)
def test_a_word_is_found_and_marked_in_any_case_of_any_alphabet(term, payload, deployment):
    Line.objects.create(deployment=deployment, insert_id="1", timestamp=now(), payload=payload)
    Line.objects.create(deployment=deployment, insert_id="2", timestamp=now(), payload="x", text=payload)
    Line.objects.create(deployment=deployment, insert_id="3", timestamp=now(), payload="other words")

    found = filter_lines(Line.objects.all(), {"q": term})

    assert {line.insert_id for line in found} == {"1", "2"}
    assert terms_pattern([term]).search(payload)


@pytest.mark.parametrize(("term", "payload"), [("é.c", "Éxc"), ("ä", "a"), ("ø(1)*", "ø1"), ("%ä", "xä")])
def test_a_word_of_another_alphabet_is_a_text_and_no_pattern(term, payload, deployment):
    Line.objects.create(deployment=deployment, insert_id="1", timestamp=now(), payload=payload)

    assert not filter_lines(Line.objects.all(), {"q": term}).exists()


def test_spellings_are_alternatives_of_fixed_texts():
    assert spellings_of("a.") == r"(?:A|a)\."


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(.*a){20}", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_no_expression_takes_longer_than_its_line(text):
    pattern, started = expression_pattern(text), time.monotonic()

    pattern.search("a" * 100_000 + "!")

    assert time.monotonic() - started < 1


@pytest.mark.parametrize("text", ["(", "[a", "a{1001}", "(?=a)", r"(a)\1", "((a{100}){100}){100}"])
def test_what_re2_does_not_know_is_refused_beside_the_field(text):
    form = QueryForm({"q": text, "regex": "1"})

    with pytest.raises(BadPattern):
        expression_pattern(text)
    assert form.errors["q"][0].startswith("This is not a regular expression: ")


def test_an_expression_minds_no_case_unless_it_says_so():
    assert expression_pattern("timeout").search("TIMEOUT")
    assert not expression_pattern("(?-i)timeout").search("TIMEOUT")


@pytest.mark.parametrize("text", ["(", ""])
def test_without_the_mark_of_an_expression_any_text_is_words(text):
    assert QueryForm({"q": text}).is_valid()
    assert QueryForm({"q": "", "regex": "1"}).is_valid()
