"""How entries are chained: canonical JSON, SHA-256, Ed25519. Pure, and easy to repeat elsewhere."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GENESIS = "0" * 64  # the previous hash of the first entry
FIELDS = (
    "sequence",
    "at",
    "actor_id",
    "actor_name",
    "ip",
    "agent",
    "request_id",
    "source",
    "action",
    "outcome",
    "workspace_id",
    "workspace_name",
    "object_type",
    "object_id",
    "object_name",
    "deployment_id",
    "operation_id",
    "reason",
    "changes",
)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_quote = json.encoder.encode_basestring  # a text as _encode writes it; TypeError for anything else


def canonical_json(value: Any) -> str:
    """Return `value` as JSON in its only form: sorted keys, no spaces, nothing outside ASCII escaped."""
    return _encode(value)


def utc_text(at: datetime) -> str:
    """Return `at` in its only form: UTC with microseconds, such as 2026-01-31T18:00:00.000000Z."""
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def entry_hash(previous_hash: str, entry: Mapping[str, Any]) -> str:
    """Return the hash (hexadecimal SHA-256) of the entry that follows `previous_hash`.

    `entry` holds all FIELDS, `at` as an aware datetime. Its other fields are not hashed. Raises TypeError
    for a field of text that holds no text.
    """
    return facts_hash(
        previous_hash, [utc_text(entry[name]) if name == "at" else entry[name] for name in FIELDS]
    )


def facts_hash(previous_hash: str, facts: Sequence[Any]) -> str:
    """Return the hash of the entry that follows `previous_hash`, by its facts.

    These are the values of FIELDS, in that order, `at` as utc_text() writes it. Raises TypeError for a field
    of text that holds no text.
    """
    return hashlib.sha256(f"{previous_hash}\n{facts_text(facts)}".encode()).hexdigest()


def facts_text(facts: Sequence[Any]) -> str:
    """Return the facts of an entry as canonical JSON, written out: an encoder takes twice as long."""
    text = _quote
    (
        sequence,
        at,
        actor_id,
        actor_name,
        ip,
        agent,
        request_id,
        source,
        action,
        outcome,
        workspace_id,
        workspace_name,
        object_type,
        object_id,
        object_name,
        deployment_id,
        operation_id,
        reason,
        changes,
    ) = facts
    return (
        f'{{"action":{text(action)}'
        f',"actor_id":{_number(actor_id)}'
        f',"actor_name":{text(actor_name)}'
        f',"agent":{text(agent)}'
        f',"at":{text(at)}'
        f',"changes":{text(changes)}'
        f',"deployment_id":{text(deployment_id)}'
        f',"ip":{text(ip)}'
        f',"object_id":{text(object_id)}'
        f',"object_name":{text(object_name)}'
        f',"object_type":{text(object_type)}'
        f',"operation_id":{text(operation_id)}'
        f',"outcome":{text(outcome)}'
        f',"reason":{text(reason)}'
        f',"request_id":{text(request_id)}'
        f',"sequence":{_number(sequence)}'
        f',"source":{text(source)}'
        f',"workspace_id":{_number(workspace_id)}'
        f',"workspace_name":{text(workspace_name)}}}'
    )


def _number(value: Any) -> str:
    return str(value) if type(value) is int else _encode(value)


def head_statement(*, sequence: int, hash: str, signed_at: datetime) -> bytes:
    """Return the bytes that are signed for a head: canonical JSON of its sequence, hash and signing time."""
    return canonical_json({"hash": hash, "sequence": sequence, "signed_at": utc_text(signed_at)}).encode()


def checkpoint_statement(*, sequence: int, hash: str, archive: str, signed_at: datetime) -> bytes:
    """Return the bytes that are signed when the entries up to `sequence` were moved to an archive.

    `archive` is the hexadecimal SHA-256 of its file.
    """
    facts = {"archive": archive, "checkpoint": sequence, "hash": hash, "signed_at": utc_text(signed_at)}
    return canonical_json(facts).encode()


def sign_message(message: bytes, *, private_key: str) -> tuple[str, str]:
    """Return the Ed25519 signature of `message` and the public key, both base64.

    `private_key` is URL-safe base64 of 32 bytes.
    """
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private_key))
    signature = base64.b64encode(key.sign(message)).decode()
    public_key = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return signature, public_key


def public_key_of(private_key: str) -> str:
    """Return the base64 public key that belongs to `private_key`."""
    return sign_message(b"", private_key=private_key)[1]


def is_signature_valid(message: bytes, *, signature: str, public_key: str) -> bool:
    """Return whether `public_key` made `signature` over `message`. Malformed values are not valid."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), message)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
