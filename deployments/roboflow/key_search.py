"""Masks known keys in texts, in whatever they are glued to, encoded or wrapped in. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from deployments.roboflow.key_spans import Search, Spans
from deployments.roboflow.known_keys import SHORTEST_KEY, Keys, KnownKey
from deployments.roboflow.layers import first_layer

MASK = "***"
CHUNK = 16 * 1024  # characters of texts that are searched together


class KeySearch:
    """Masks a set of keys in texts.

    Keys whose punctuation some encoding uses are searched more thoroughly, each text by itself.
    """

    def __init__(self, keys: Iterable[KnownKey]) -> None:
        usable = [key for key in keys if key.tail.isascii() and key.punctuation.isascii()]
        self.plain = Keys([key for key in usable if not key.is_odd], is_thorough=False)
        self.odd = Keys([key for key in usable if key.is_odd], is_thorough=True)

    def mask(self, text: str) -> str:
        """Return `text` with `***` in place of each of the keys, in any spelling."""
        return self.mask_all([text])[0]

    def mask_all(self, texts: Sequence[str]) -> list[str]:
        """Return each text with `***` in place of each of the keys, in any spelling.

        Many short texts are searched together, which costs half. A key of which one text has the beginning
        and the next one the end is masked in both.
        """
        masked = list(texts)
        if self.plain.groups:
            masked = [text for chunk in chunks(masked) for text in mask_chunk(chunk, self.plain)]
        if self.odd.groups:
            masked = [text for one in masked for text in mask_chunk([one], self.odd)]
        return masked


def chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in lists of about CHUNK characters."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def mask_chunk(texts: list[str], keys: Keys) -> list[str]:
    """Return the texts with the keys masked: first those that are in them as they are, then all others."""
    for find in (Search.search_plain, Search.search_layers):
        search = Search("\n".join(texts), keys)
        if len(search.text) < SHORTEST_KEY:
            return texts
        find(search, first_layer(search.text))
        if search.found:
            texts = without_spans(texts, joined(search.found))
    return texts


def joined(spans: Spans) -> Spans:
    """Return the spans in order, with those that touch or overlap made one."""
    result: Spans = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def without_spans(texts: list[str], spans: Spans) -> list[str]:
    """Return the texts with `***` for each span. Spans count in all texts, joined by one character."""
    result, begin, following = [], 0, 0
    for text in texts:
        pieces, place = [], 0
        while following < len(spans) and spans[following][0] < begin + len(text):
            start, end = spans[following]
            pieces += [text[place : max(place, start - begin)], MASK]
            place = min(end - begin, len(text))
            if end > begin + len(text):
                break  # the next text has the rest of it
            following += 1
        result.append("".join([*pieces, text[place:]]))
        begin += len(text) + 1
    return result
