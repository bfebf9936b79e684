"""What the integrity card shows: length, head, last verification, the key that signs."""

from typing import Any

from django.conf import settings

from portal.audit.chain import public_key_of
from portal.audit.checkpoints import beginning_of, newest_checkpoint, problem_of
from portal.audit.models import Checkpoint, Head, SignedHead, Verification, VerificationRequest
from portal.audit.stored import newest_signed_head
from portal.audit.trail_keys import former_trail_keys
from portal.audit.verify import check_whole, hash_of_entry, load_head


def integrity_context() -> dict[str, Any]:
    """Return the template context of the integrity card."""
    # The head is read last, as it may move on: neither a verification nor a signed head is ever ahead of it.
    verification = Verification.objects.filter(pk=1).first()
    signed = newest_signed_head()
    head, former_keys = load_head(), former_trail_keys()
    public_key, checkpoint = public_key_of(settings.PORTAL_TRAIL_KEY), newest_checkpoint()
    return {
        "broken_now": broken_now(
            head, verification, signed, checkpoint=checkpoint, our_keys={public_key, *former_keys}
        ),
        "entries": head.sequence - beginning_of(checkpoint)[0],
        "head": head if head.sequence else None,
        "verification": verification,
        "signed": signed,
        "public_key": public_key,
        "former_public_keys": sorted(former_keys),
        "checkpoint": checkpoint,
        "is_verifying": VerificationRequest.objects.exists(),
    }


def broken_now(
    head: Head,
    verification: Verification | None,
    signed: SignedHead | None,
    *,
    checkpoint: Checkpoint | None,
    our_keys: set[str],
) -> str:
    """Return what a look at the end of the trail shows to be wrong, "" if nothing.

    The last verification may be old: a card must not go on saying "intact" meanwhile. `signed` is the newest
    signed head.
    """
    if verification and verification.ok and verification.entries > head.sequence:
        return f"The trail has {head.sequence} entries and had {verification.entries} when it was verified."
    if problem := problem_of(checkpoint, our_keys):
        return problem
    last_hash = hash_of_entry(head.sequence)
    if last_hash is None:
        return f"The trail ends before entry {head.sequence}, which its head names."
    finding = check_whole(head, last_hash, [signed] if signed else [], our_keys)
    return finding.message if finding else ""
