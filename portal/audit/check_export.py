"""Verifies an export of the trail on any machine: `python3 check_export.py trail.jsonl PUBLIC_KEY...`.

This file needs nothing of the portal, only the package cryptography. Each line of the export is a JSON
object: first the entries in their order, then the signed heads. The hash of an entry is the SHA-256 of the
previous hash, a line feed, and the JSON of the entry (without its two hashes; sorted keys, no spaces, UTF-8).
A signed head is an Ed25519 signature of the JSON of hash, sequence and signing time, by one of the public
keys: that of the portal, and after its trail key was replaced also the former ones. The exit code is 1 when
anything is wrong; the message names the first bad entry.
"""

import base64
import hashlib
import json
import sys
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


def check(path: str, *public_keys: str) -> str:
    """Return a sentence about an intact export. Raises ValueError with the first fault of a damaged one."""
    keys = [Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for key in public_keys]
    hashes: dict[int, str] = {}
    head_count, previous = 0, "0" * 64
    with Path(path).open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if "head" in line:
                head_count += 1
                check_head(line, hashes, keys)
                continue
            number = line["sequence"]
            if number != len(hashes) + 1:
                raise ValueError(f"Entry {len(hashes) + 1} is missing: the next one is {number}.")
            if line["previous_hash"] != previous or line["hash"] != hash_of(line):
                raise ValueError(f"Entry {number} was altered, or does not follow from the one before it.")
            hashes[number] = previous = line["hash"]
    if hashes and not head_count:
        raise ValueError("No signed head is in the export: nothing shows which portal wrote it.")
    return f"The export is intact: {len(hashes)} entries, {head_count} signed heads."


def check_head(head: dict[str, Any], hashes: dict[int, str], keys: list[Ed25519PublicKey]) -> None:
    """Compare a signed head with the entries read so far. Raises ValueError."""
    number = head["head"]
    statement = canonical({"hash": head["hash"], "sequence": number, "signed_at": head["signed_at"]})
    if not any(is_signed_by(key, statement, head["signature"]) for key in keys):
        raise ValueError(f"The signature of the head at {number} is not by this public key.")
    if hashes.get(number) != head["hash"]:
        raise ValueError(f"Entry {number} is missing or not the one that was signed.")


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
