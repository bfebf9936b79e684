"""The checkpoint behind which the stored trail begins, when older entries are in archives."""

from portal.audit.chain import GENESIS, checkpoint_statement, is_signature_valid
from portal.audit.models import Checkpoint


def newest_checkpoint() -> Checkpoint | None:
    """Return the checkpoint of the last archive, or None when nothing was archived."""
    return Checkpoint.objects.order_by("-sequence").first()


def beginning_of(checkpoint: Checkpoint | None) -> tuple[int, str]:
    """Return the number of the last archived entry and its hash; 0 and GENESIS when nothing was archived."""
    return (checkpoint.sequence, checkpoint.hash) if checkpoint else (0, GENESIS)


def problem_of(checkpoint: Checkpoint | None, our_keys: set[str]) -> str:
    """Return what is wrong with the signature of a checkpoint, or "" when one of `our_keys` made it."""
    if checkpoint is None:
        return ""
    statement = checkpoint_statement(
        sequence=checkpoint.sequence,
        hash=checkpoint.hash,
        archive=checkpoint.archive,
        signed_at=checkpoint.signed_at,
    )
    is_ours = checkpoint.public_key in our_keys and is_signature_valid(
        statement, signature=checkpoint.signature, public_key=checkpoint.public_key
    )
    if is_ours:
        return ""
    return f"The checkpoint at {checkpoint.sequence} was not signed by this portal: its entries were removed."
