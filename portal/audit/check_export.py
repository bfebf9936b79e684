"""Verifies an export of the trail on any machine: `python3 check_export.py trail.jsonl PUBLIC_KEY`.

This one file and the package cryptography are all it needs; nothing of the portal is imported, on purpose. Each line of the export is a JSON
object: entries in their order, then signed heads. The hash of an entry is the SHA-256 of the previous hash, a line feed, and the entry's own JSON
(without its two hashes; sorted keys, no spaces, UTF-8). A head signs the JSON of hash, sequence and time with Ed25519. Exit code 1 when anything
is wrong, with the first bad entry.
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
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hash_of(entry: dict[str, Any]) -> str:
    """Return the hash that an entry must have."""
    facts = {name: value for name, value in entry.items() if name not in ("previous_hash", "hash")}
    return hashlib.sha256(entry["previous_hash"].encode() + b"\n" + canonical(facts)).hexdigest()


def check(path: str, public_key: str) -> str:
    """Return what the export proves. Raises ValueError with the first thing that is wrong."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    hashes: dict[int, str] = {}
    heads, previous = 0, "0" * 64
    with Path(path).open(encoding="utf-8") as lines:
        for one in map(json.loads, lines):
            if "head" in one:
                heads += 1
                check_head(one, hashes, key)
                continue
            number = one["sequence"]
            if number != len(hashes) + 1:
                raise ValueError(f"Entry {len(hashes) + 1} is missing: {number} stands in its place.")
            if one["previous_hash"] != previous or one["hash"] != hash_of(one):
                raise ValueError(f"Entry {number} was altered, or does not follow from the one before it.")
            hashes[number] = previous = one["hash"]
    if hashes and not heads:
        raise ValueError("No signed head stands in the export: nothing tells whose trail it is.")
    return f"The export is intact: {len(hashes)} entries, {heads} signed heads."


def check_head(one: dict[str, Any], hashes: dict[int, str], key: Ed25519PublicKey) -> None:
    """Check one signed head. Raises ValueError."""
    number = one["head"]
    try:
        key.verify(
            base64.b64decode(one["signature"]),
            canonical({"hash": one["hash"], "sequence": number, "signed_at": one["signed_at"]}),
        )
    except InvalidSignature:
        raise ValueError(f"The signature of the head at {number} is not by this public key.") from None
    if hashes.get(number) != one["hash"]:
        raise ValueError(f"Entry {number} is missing or not the one that was signed.")


if __name__ == "__main__":
    try:
        print(check(*sys.argv[1:3]))
    except (ValueError, KeyError, OSError, TypeError) as trouble:
        sys.exit(f"The export is not good: {trouble}")
