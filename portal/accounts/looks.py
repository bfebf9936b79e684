"""How a text looks: texts that people mix up have the same skeleton. Pure."""

import unicodedata
from functools import cache

SMALL = str.maketrans("io", "10")  # I is mapped to 1 and O to 0: so are the same letters in small
LEFT_TO_RIGHT_MARK = "\u200e"  # around some characters in the table


def skeleton(text: str) -> str:
    """Return what is left of a text when everything is taken away that people do not see or mix up.

    Letters, digits and symbols are mapped to one representative of those that look alike; case, accents,
    spaces, punctuation and invisible characters do not count.
    """
    text = map_alike(unicodedata.normalize("NFKD", text))  # capitals look like other letters than small ones
    text = map_alike(unicodedata.normalize("NFKD", text.casefold())).translate(SMALL)
    return "".join(letter for letter in text if unicodedata.category(letter)[0] in "LNS")


def map_alike(text: str) -> str:
    """Return the text with each character replaced by the one that stands for all that look so."""
    alike = representatives()
    return "".join(alike.get(letter, letter) for letter in text)


@cache
def representatives() -> dict[str, str]:
    """Return each character that looks like another one, with the text that stands for all that look so.

    Source: Unicode's confusables.txt, as the package confusable-homoglyphs has it.
    """
    from confusable_homoglyphs.confusables import confusables_data  # big: only for who checks a name

    parents: dict[str, str] = {}
    sequences: dict[str, str] = {}

    def find(letter: str) -> str:
        while (parent := parents.get(letter, letter)) != letter:
            letter = parent
        return letter

    for letter, alike in confusables_data.items():
        for other in (one["c"].replace(LEFT_TO_RIGHT_MARK, "") for one in alike):
            if len(letter) == len(other) == 1:
                # The smaller one is a letter or digit of ASCII, if there is one.
                first, second = sorted((find(letter), find(other)))
                parents[second] = first
            elif len(letter) == 1 and other:
                sequences[letter] = other
    for letter in sequences:
        parents.setdefault(letter, letter)
    by_root = {find(letter): sequence for letter, sequence in sequences.items()}
    return {letter: by_root.get(find(letter), find(letter)) for letter in parents}
