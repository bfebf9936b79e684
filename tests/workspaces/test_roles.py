"""Roles: each includes the ones before it, and what is no role may do nothing."""

import pytest

from deployments.workspaces.roles import MATRIX, Role, is_enough


@pytest.mark.parametrize(
    ("role", "enough_for"),
    [
        ("viewer", {Role.VIEWER}),
        ("operator", {Role.VIEWER, Role.OPERATOR}),
        ("manager", {Role.VIEWER, Role.OPERATOR, Role.MANAGER}),
    ],
)
def test_a_role_includes_the_ones_before_it(role, enough_for):
    assert {needed for needed in Role if is_enough(role, needed)} == enough_for


@pytest.mark.parametrize("role", ["", "administrator", "MANAGER"])
def test_what_is_no_role_is_an_error(role):
    with pytest.raises(ValueError, match="not a valid Role"):
        is_enough(role, Role.VIEWER)


def test_every_role_is_explained_on_the_team_page():
    assert [role for _, role in MATRIX] == list(Role)
