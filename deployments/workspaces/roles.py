"""Which role a member needs for what. Pure."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A member's role in one workspace. Each role includes the ones before it."""

    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    MANAGER = "manager", _("Manager")


RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.MANAGER: 2}
MATRIX = [  # what the team page explains: (what a member may do, the lowest role that may)
    (_("See the fleet, logs, operations and activity"), Role.VIEWER),
    (_("Create, pause, resume and delete deployments, with a key of their own"), Role.OPERATOR),
    (_("Invite people, change roles, remove people"), Role.MANAGER),
]


def is_enough(role: str, needed: Role) -> bool:
    """Return whether a member with `role` may do what needs the role `needed`."""
    return RANK.get(Role(role), -1) >= RANK[needed]
