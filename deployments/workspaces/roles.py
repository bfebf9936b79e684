"""Which role a member needs for what. Pure."""

from django.db import models


class Role(models.TextChoices):
    """A member's role in one workspace. Each role includes the ones before it."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    MANAGER = "manager", "Manager"


RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.MANAGER: 2}
MATRIX = [  # what the team page explains: (what a member may do, the lowest role that may)
    ("See the fleet, logs, operations and activity", Role.VIEWER),
    ("Create, pause, resume and delete deployments, with a key of their own", Role.OPERATOR),
    ("Invite people, change roles, remove people", Role.MANAGER),
]


def is_enough(role: str, needed: Role) -> bool:
    """Return whether a member with `role` may do what needs the role `needed`."""
    return RANK.get(Role(role), -1) >= RANK[needed]
