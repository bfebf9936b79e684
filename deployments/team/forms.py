"""Forms of the team page and of an invitation."""

from django import forms

from deployments.workspaces.roles import Role
from portal.accounts.forms import PersonEmailField


class InviteForm(forms.Form):
    """The address to invite, and the role that the person gets."""

    email = PersonEmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.OPERATOR)


class RoleForm(forms.Form):
    """The new role of a member."""

    role = forms.ChoiceField(choices=Role.choices)
