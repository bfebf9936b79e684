"""Known keys are masked in whatever they are glued to, coloured, quoted or encoded, and nothing else is."""

import random
import string
import time

import pytest

from deployments.roboflow.key_search import CHUNK, KeySearch
from deployments.roboflow.mask import Secret, known_key
from tests.roboflow.spellings import DECORATIONS, ENCODINGS, pieces_left

KEY = "Kx7pQ2mmR9sTvW4yZ1aB"
OTHER = "aQ8wE3rT5yU7iO9pL2kJ"
PRINTABLE = "".join(map(chr, range(33, 127)))
ODD = "a\"b'c&lt;%41\\x$d{=}"  # it holds what encodings use
ALPHABETS = {
    "letters and digits": string.ascii_letters + string.digits,
    "digits": string.digits,
    "hexadecimal": "0123456789abcdef",
    "words": string.ascii_lowercase + "-_",
    "URL-safe": string.ascii_letters + string.digits + "-_.",
    "printable": PRINTABLE,
}


def search_for(*keys):
    return KeySearch([known_key(Secret(key)) for key in keys])


@pytest.mark.parametrize("spelling", ENCODINGS | DECORATIONS)
def test_a_key_is_masked_in_each_spelling(spelling):
    spelt = (ENCODINGS | DECORATIONS)[spelling](KEY)

    masked = search_for(KEY).mask(f"before {spelt} after")

    assert masked.startswith("before ") and masked.endswith(" after") and "***" in masked
    assert pieces_left(spelt, masked) == []


@pytest.mark.parametrize("spelling", ENCODINGS)
def test_a_key_that_holds_what_encodings_use_is_masked_in_each_of_them(spelling):
    spelt = ENCODINGS[spelling](ODD)

    masked = search_for(ODD).mask(f"before {spelt} after")

    assert "***" in masked and pieces_left(spelt, masked) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("abc", "xyz"),
        ("0", "9"),
        ("_", "_"),
        ("--", "--"),
        ("sk_", "_v2"),
        ("key=", "&x=1"),
        ("%3D", "%26"),
        ("\\n", "\\n"),
        ("\\u0022", "\\u0022"),
        ("\x1b[31m", "\x1b[0m"),
        ("\x1b[", "m"),
        ("'", '"'),
        ("é", "ü"),
        ("/", "?"),
        (KEY[:-1], KEY[1:]),
    ],
)
@pytest.mark.parametrize("key", [KEY, "sandbox-key-ana", "12345678", ODD])
def test_a_key_is_masked_whatever_it_is_glued_to(key, before, after):
    masked = search_for(key).mask(before + key + after)

    assert key not in masked and "***" in masked


def test_two_keys_in_a_row_are_both_masked():
    search = search_for(KEY, OTHER)

    assert search.mask(KEY + OTHER + KEY) == "***"
    assert search.mask(f"{KEY} {OTHER},{KEY}") == "*** ***,***"


def test_of_a_key_that_contains_another_one_nothing_is_left():
    assert search_for(KEY, KEY + "more1234").mask(f"x {KEY}more1234 y {KEY} z") == "x *** y *** z"


def test_what_only_looks_like_a_key_is_kept():
    near = [
        KEY[:-1],
        KEY[1:],
        KEY[:-1] + "X",
        "X" + KEY[1:],
        KEY.lower(),
        KEY[::-1],
        OTHER,
        "",
        " ",
        "…" + KEY[-4:],
    ]

    assert search_for(KEY).mask_all(near) == near


def test_a_text_without_the_key_is_the_same_text():
    rng = random.Random(14)
    texts = ["".join(rng.choices(PRINTABLE + "\n\t é", k=rng.randrange(300))) for _ in range(300)]

    assert search_for(KEY, ODD, "sandbox-key-ana").mask_all(texts) == texts


def test_each_of_many_texts_is_masked_by_itself():
    texts = [f"line {number} {'x' * 90} {KEY if number % 7 == 0 else ''}" for number in range(1000)]
    assert sum(map(len, texts)) > 3 * CHUNK

    masked = search_for(KEY).mask_all(texts)

    assert masked == [text.replace(KEY, "***") for text in texts]


def test_a_key_that_goes_on_in_the_next_text_is_masked_in_both():
    masked = search_for(KEY).mask_all(["a " + KEY[:9], KEY[9:] + " b", "c"])

    assert masked == ["a ***", "*** b", "c"]


def test_without_keys_nothing_is_masked():
    assert KeySearch([]).mask_all([KEY, ""]) == [KEY, ""]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_keys_in_random_surroundings_are_masked_in_all_encodings(alphabet):
    rng = random.Random(f"masking {alphabet}")
    spellings = ENCODINGS if alphabet == "printable" else ENCODINGS | DECORATIONS
    for name, spell in spellings.items():
        for length in (8, 12, 20, rng.randrange(9, 200), 200):
            key, other = ("".join(rng.choices(ALPHABETS[alphabet], k=length)) for _ in range(2))
            before, after = ("".join(rng.choices(PRINTABLE + "\n é", k=rng.randrange(40))) for _ in range(2))
            spelt = spell(key)

            masked = search_for(other, key).mask(f"{before} {spelt} {after}")

            context = f"{name}: {key!r} between {before!r} and {after!r} became {masked!r}"
            assert "***" in masked, context
            assert not [piece for piece in pieces_left(spelt, masked) if piece not in before + " " + after], (
                context
            )


ADDS_TO_THE_KEY = ("Basic", "repr", "JSON in", "base64 of", "base64 in", "base64, percent", "list", "Go")
INNER = [name for name in ENCODINGS if not any(part in name for part in ADDS_TO_THE_KEY)]
OUTER = [name for name in ENCODINGS if not name.startswith("hexadecimal") and "UTF-16" not in name]


@pytest.mark.parametrize("alphabet", ["letters and digits", "URL-safe"])
def test_random_keys_are_masked_in_two_encodings_around_one_another(alphabet):
    rng = random.Random(f"twice {alphabet}")
    for _ in range(500):
        key = "".join(rng.choices(ALPHABETS[alphabet], k=rng.randrange(8, 60)))
        inner, outer = rng.choice(INNER), rng.choice(OUTER)
        spelt = ENCODINGS[outer](ENCODINGS[inner](key).rstrip("="))

        masked = search_for(key).mask(f"before {spelt} after")

        assert "***" in masked and pieces_left(spelt, masked) == [], (inner, outer, key, masked)


@pytest.mark.parametrize(
    "text",
    [
        "%25" * 16_000,
        "\\" * 50_000,
        "&amp;" * 10_000,
        "<" * 50_000,
        "[" * 50_000,
        "\x1b]" * 25_000,
        "65, " * 12_500,
    ],
    ids=lambda text: text[:5],
)
def test_no_text_takes_long(text):
    started = time.process_time()
    search_for(KEY, ODD).mask(text)

    assert time.process_time() - started < 1
