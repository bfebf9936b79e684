"""Forms of the team page and of an invitation."""

from django import forms
from django.utils.translation import gettext_lazy as _

from deployments.workspaces.roles import Role
from portal.accounts.forms import PersonEmailField


class InviteForm(forms.Form):
    """The address to invite, and the role that the person gets."""

    email = PersonEmailField(label=_("E-mail"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.OPERATOR)


class RoleForm(forms.Form):
    """The new role of a member."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
