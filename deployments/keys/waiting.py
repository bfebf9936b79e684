"""A key that could not be checked, between the page that says so and **Save anyway**.

It waits in the session, sealed: it is in no page, and nobody has to type it again.
"""

from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables

from deployments.keys.seal import seal_key, unseal_key
from deployments.roboflow.mask import Secret
from portal.vault import Unreadable

SESSION_NAME = "waiting_key"
NO_ROW = 0  # the binding of a key that has no row yet


def keep_waiting_key(request: HttpRequest, secret: Secret) -> None:
    """Keep a key until the person saves it anyway, or saves another one."""
    user_id = request.user.pk or 0
    request.session[SESSION_NAME] = seal_key(secret, user_id=user_id, workspace_id=None, key_id=NO_ROW)


def forget_waiting_key(request: HttpRequest) -> None:
    """Drop the key that waits, if there is one."""
    request.session.pop(SESSION_NAME, None)


@sensitive_variables("fields")
def with_waiting_key(request: HttpRequest) -> QueryDict:
    """Return the posted fields; for **Save anyway** with an empty field, with the key that waits."""
    fields = request.POST.copy()
    sealed = request.session.get(SESSION_NAME)
    if "anyway" in fields and not fields.get("api_key") and sealed:
        try:
            secret = unseal_key(sealed, user_id=request.user.pk or 0, workspace_id=None, key_id=NO_ROW)
        except Unreadable:  # the vault key was replaced: the field says that the key is missing
            return fields
        fields["api_key"] = secret.reveal()
    return fields
