"""Leaves out of a list's answer what is as it was, before the rest is masked and parsed. Pure.

Most lists are as the last one, or nearly. The whole answer is compared by one hash, and otherwise each entry
by its own. Only entries that are written in another way than last time go on.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

from deployments.roboflow.schema import DeploymentList

BEGIN = re.compile(r'\s*(?:\{\s*"deployments"\s*:\s*)?\[\s*')
BETWEEN = re.compile(r"\s*,\s*")
END = re.compile(r"\s*\]\s*\}?\s*")
DIGEST_LENGTH = 32
decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class KnownList:
    """What is known of the last list: the digest of the whole, and of each entry by its deployment_id.

    `salt` changes when digests of before must not count any more.
    """

    salt: str = ""
    whole: str = ""
    entries: Callable[[], Mapping[str, str]] = dict


@dataclass
class Sieve:
    """Sifts one answer. Afterwards it knows the digests, and which deployments are unchanged."""

    known: KnownList
    whole: str = ""
    is_identical: bool = False
    unchanged: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)  # of the entries that go on, by deployment_id
    places: list[int] = field(default_factory=list)  # of the entries that go on, in the whole list

    def sift(self, body: bytes) -> bytes:
        """Return the answer with the entries that are new or written otherwise than last time.

        What is not plainly a list of objects with an id each goes on as it is, so that nothing is hidden from
        the parser. Call it again for the answer of another attempt.
        """
        self.forget()
        whole = sha256(self.salt)
        whole.update(body)
        self.whole = whole.hexdigest()[:DIGEST_LENGTH]
        self.is_identical = bool(self.known.whole) and self.whole == self.known.whole
        if self.is_identical:
            return b"[]"
        try:
            left = self.left_entries(body.decode())
        except (ValueError, RecursionError):
            left = None
        if left is None:
            self.forget()
            return body
        return f"[{','.join(left)}]".encode()

    @cached_property
    def salt(self) -> bytes:
        """What stands before each text that is hashed."""
        return self.known.salt.encode() + b"\0"

    def forget(self) -> None:
        """Forget what was found in an answer."""
        self.unchanged, self.unlisted, self.digests, self.places = set(), set(), {}, []

    def left_entries(self, text: str) -> list[str] | None:
        """Return the entries that go on, as they are written; None for a text that is no plain list.

        An entry that ends where the next one seems to begin, and whose digest is known, is not decoded: the
        digest proves what it says. Raises ValueError and RecursionError for what is not JSON.
        """
        begin = BEGIN.match(text)
        if begin is None:
            return None
        known, left, seen = self.known.entries(), [], set()
        ids = {digest: row_id for row_id, digest in known.items()}
        at, number, joint, gap = begin.end(), 0, "", 0
        while True:
            end = text.find(joint, at) if joint else -1
            if end > 0 and (row_id := ids.get(self.digest(text[at:end]), "")):
                if row_id in seen:
                    return None
                seen.add(row_id)
                self.unchanged.add(row_id)
                at, number = end + gap, number + 1
                continue
            value, end = decode(text, at)
            row_id = value.get("deployment_id", "") if isinstance(value, dict) else ""
            if not isinstance(row_id, str) or not row_id or row_id in seen:
                return None
            seen.add(row_id)
            entry = text[at:end]
            digest = self.digest(entry)
            if known.get(row_id) == digest:
                self.unchanged.add(row_id)
            else:
                left.append(entry)
                self.digests[row_id] = digest
                self.places.append(number)
            comma = BETWEEN.match(text, end)
            if comma is None:
                self.unlisted = known.keys() - seen
                return left if END.fullmatch(text, end) else None
            if not joint:  # what is between two entries, and how an entry begins
                gap = comma.end() - end
                joint = text[end : comma.end()] + text[at : text.find(":", at) + 1]
            at, number = comma.end(), number + 1

    def digest(self, entry: str) -> str:
        """Return the digest of an entry."""
        return sha256(self.salt + entry.encode()).hexdigest()[:DIGEST_LENGTH]

    def complete(self, found: DeploymentList) -> DeploymentList:
        """Return what was parsed of the sifted answer, with what was left out of it."""
        bad = [
            replace(one, index=self.places[one.index]) if one.index < len(self.places) else one
            for one in found.bad
        ]
        return replace(
            found,
            bad=bad,
            unchanged=frozenset(self.unchanged),
            unlisted=frozenset(self.unlisted),
            digests=self.digests,
            whole=self.whole,
            is_identical=self.is_identical,
        )
