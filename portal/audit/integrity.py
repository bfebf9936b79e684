"""What the integrity card shows: length, head, last verification, the key that signs."""

from typing import Any

from django.conf import settings

from portal.audit.chain import public_key_of
from portal.audit.models import Head, SignedHead, Verification
from portal.audit.trail_keys import former_trail_keys


def integrity_context() -> dict[str, Any]:
    """Return the template context of the integrity card."""
    return {
        "head": Head.objects.filter(pk=1).first(),
        "verification": Verification.objects.filter(pk=1).first(),
        "signed": SignedHead.objects.order_by("-sequence").first(),
        "public_key": public_key_of(settings.PORTAL_TRAIL_KEY),
        "former_public_keys": sorted(former_trail_keys()),
    }
