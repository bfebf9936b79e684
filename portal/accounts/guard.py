"""The guard of pages that only administrators of the portal may see."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.web.errors import Refused

View = Callable[..., HttpResponseBase]


def administrator_required(view: View) -> View:
    """Let only administrators of the portal reach `view`; anybody else signs in, or gets a 403 that says what is needed."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_administrator", False):
            raise Refused(needed="an administrator of the portal", who="an administrator")
        return view(request, *args, **kwargs)

    return guarded
