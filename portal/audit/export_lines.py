"""Entries and signed heads as lines of JSON: exports and archives have them, check_export.py reads them."""

import json
from typing import Any

from portal.audit.chain import utc_text
from portal.audit.models import Checkpoint, SignedHead
from portal.audit.stored import what_is_broken


def entry_line(entry: dict[str, Any]) -> str:
    """Return an entry as one line of JSON; of a broken one, its sequence and why."""
    if broken := what_is_broken(entry):
        return json.dumps({"sequence": entry["sequence"], "unreadable": broken})
    return json.dumps(entry | {"at": utc_text(entry["at"])}, ensure_ascii=False)


def head_line(signed: SignedHead) -> str:
    """Return a signed head as one line of JSON."""
    return json.dumps({"head": signed.sequence, "hash": signed.hash, **signature_fields(signed)})


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as one line of JSON."""
    fields = {"checkpoint": checkpoint.sequence, "hash": checkpoint.hash, "archive": checkpoint.archive}
    return json.dumps(fields | signature_fields(checkpoint))


def signature_fields(signed: SignedHead | Checkpoint) -> dict[str, str]:
    """Return when and by which key a statement was signed, and the signature."""
    return {
        "signed_at": utc_text(signed.signed_at),
        "signature": signed.signature,
        "public_key": signed.public_key,
    }
