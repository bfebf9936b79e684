"""Who may do what in a workspace, in plain words. Pure."""

from django.db import models


class Role(models.TextChoices):
    """A member's role in one workspace; each may also do what the ones before it may."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    MANAGER = "manager", "Manager"


RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.MANAGER: 2}
MATRIX = [  # (what, who may)
    ("See the fleet, logs, operations and activity", Role.VIEWER),
    ("Create, pause, resume and delete deployments, with a key of their own", Role.OPERATOR),
    ("Invite people, change roles, remove people", Role.MANAGER),
]


def is_enough(role: str, needed: Role) -> bool:
    """Say whether `role` is enough for what needs `needed`."""
    return RANK.get(Role(role), -1) >= RANK[needed]
