"""The names that people may have: nobody passes for somebody else, or for the portal or Roboflow.

Two names are the same if they look the same: Unicode's confusable characters (UTS 39, from the package
confusable-homoglyphs), case, accents, spaces and punctuation do not tell them apart.
"""

import unicodedata
from functools import cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.accounts.looks import skeleton
from portal.accounts.models import User

RESERVED = (
    "the portal",
    "portal",
    "Portside",
    "Deployment Portal",
    "system",
    "Roboflow",
    "outside",
    "outside the portal",
    "somebody",
    "you",
    "administrator",
)


def check_name(name: str, *, person: User | None = None) -> None:
    """Raise ValidationError for a name that somebody other than `person` has, or that nobody may have."""
    looks = skeleton(name)
    if not looks:
        raise ValidationError(_("A name needs letters."))
    if "@" in unicodedata.normalize("NFKC", name):
        raise ValidationError(_("Type a name: your e-mail address is shown beside it."))
    if looks in reserved_skeletons():
        raise ValidationError(_("People could take this name for the portal, Roboflow or anybody."))
    others = User.objects.exclude(pk=person.pk) if person else User.objects.all()
    if others.filter(name_skeleton=looks).exists():
        raise ValidationError(_("Somebody has this name, or one that looks the same. Add your last name."))


@cache
def reserved_skeletons() -> frozenset[str]:
    """Return how the reserved names look."""
    return frozenset(map(skeleton, RESERVED))
