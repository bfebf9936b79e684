"""Verifies an export of the trail on any machine: `python3 check_export.py trail.jsonl PUBLIC_KEY...`.

This file needs nothing of the portal, only the package cryptography. Each line of the export is a JSON
object: first the entries in their order, then the signed heads. An archive is such a file, too. When older
entries are in an archive, a signed checkpoint comes first, and the entries follow from its hash.

The hash of an entry is the SHA-256 of the previous hash, a line feed, and the JSON of the entry (without its
two hashes; sorted keys, no spaces, UTF-8). Heads and checkpoints have an Ed25519 signature of the JSON of
their fields by one of the public keys: that of the portal, and after its trail key was replaced also the
former ones. The exit code is 1 when anything is wrong; the message names the first bad entry.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def canonical(value: object) -> bytes:
    """Return `value` as JSON in its only form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hash_of(entry: dict[str, Any]) -> str:
    """Return the hash that `entry` must have."""
    facts = {name: value for name, value in entry.items() if name not in ("previous_hash", "hash")}
    return hashlib.sha256(entry["previous_hash"].encode() + b"\n" + canonical(facts)).hexdigest()


@dataclass
class Checked:
    """What was found to be intact: the entries `first` to `last`, the last one's hash, and so many heads."""

    first: int
    last: int
    hash: str
    heads: int = 0


def check(path: str, *public_keys: str) -> str:
    """Return a sentence about an intact export. Raises ValueError with the first fault of a damaged one."""
    with Path(path).open(encoding="utf-8") as lines:
        found = check_lines(lines, *public_keys)
    count = found.last - found.first + 1
    where = f", {found.first} to {found.last}" if found.first > 1 else ""
    return f"The export is intact: {count} entries{where}, {found.heads} signed heads."


def check_lines(lines: Iterable[str], *public_keys: str) -> Checked:
    """Return what the lines of an intact export hold. Raises ValueError with the first fault of another.

    When older entries are in an archive, the first line is the checkpoint behind which the export begins.
    """
    keys = [Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for key in public_keys]
    found = Checked(1, 0, "0" * 64)
    hashes: dict[int, str] = {}
    for line in map(json.loads, lines):
        if "checkpoint" in line and not hashes:
            check_signature(line, ("archive", "checkpoint", "hash", "signed_at"), keys)
            found = Checked(line["checkpoint"] + 1, line["checkpoint"], line["hash"])
        elif "head" in line:
            found.heads += 1
            check_head(line, hashes, keys)
        else:
            number = line["sequence"]
            if number != found.last + 1:
                raise ValueError(f"Entry {found.last + 1} is missing: the next one is {number}.")
            if line["previous_hash"] != found.hash or line["hash"] != hash_of(line):
                raise ValueError(f"Entry {number} was altered, or does not follow from the one before it.")
            found.last, found.hash = number, line["hash"]
            hashes[number] = found.hash
    if hashes and not found.heads:
        raise ValueError("No signed head is in the export: nothing shows which portal wrote it.")
    return found


def check_head(head: dict[str, Any], hashes: dict[int, str], keys: list[Ed25519PublicKey]) -> None:
    """Compare a signed head with the entries read so far. Raises ValueError."""
    number = head["head"]
    check_signature(head | {"sequence": number}, ("hash", "sequence", "signed_at"), keys)
    if hashes.get(number) != head["hash"]:
        raise ValueError(f"Entry {number} is missing or not the one that was signed.")


def check_signature(line: dict[str, Any], names: Iterable[str], keys: list[Ed25519PublicKey]) -> None:
    """Raise ValueError unless one of the keys signed the fields `names` of a line."""
    statement = canonical({name: line[name] for name in names})
    if not any(is_signed_by(key, statement, line["signature"]) for key in keys):
        number = line.get("head", line.get("checkpoint"))
        raise ValueError(f"The signature of the head at {number} is not by this public key.")


def is_signed_by(key: Ed25519PublicKey, statement: bytes, signature: str) -> bool:
    """Return whether `key` made the base64 `signature` over `statement`."""
    try:
        key.verify(base64.b64decode(signature), statement)
    except InvalidSignature:
        return False
    return True


if __name__ == "__main__":
    try:
        print(check(*sys.argv[1:]))
    except (ValueError, KeyError, OSError, TypeError) as error:
        sys.exit(f"The export is not intact: {error}")
