"""The guard of pages for administrators of the portal."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal.web.errors import Refused

View = Callable[..., HttpResponseBase]


def administrator_required(view: View) -> View:
    """Return `view` for administrators of the portal only.

    Without a session, the guard redirects to the sign-in page. Other people get a 403 (Refused) that says
    what is needed.
    """

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_administrator", False):
            raise Refused(needed=_("an administrator of the portal"), who=_("an administrator"))
        return view(request, *args, **kwargs)

    return guarded
