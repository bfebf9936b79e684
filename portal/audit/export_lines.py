"""Entries and signed heads as lines of JSON: exports and archives have them, check_export.py reads them."""

import json
from typing import Any

from portal.audit.chain import utc_text
from portal.audit.models import SignedHead
from portal.audit.stored import what_is_broken


def entry_line(entry: dict[str, Any]) -> str:
    """Return an entry as one line of JSON; of a broken one, its sequence and why."""
    if broken := what_is_broken(entry):
        return json.dumps({"sequence": entry["sequence"], "unreadable": broken})
    return json.dumps(entry | {"at": utc_text(entry["at"])}, ensure_ascii=False)


def head_line(signed: SignedHead) -> str:
    """Return a signed head as one line of JSON."""
    fields = {
        "head": signed.sequence,
        "hash": signed.hash,
        "signed_at": utc_text(signed.signed_at),
        "signature": signed.signature,
        "public_key": signed.public_key,
    }
    return json.dumps(fields)
