"""Views that belong to no other room: the choice of the theme, and the words of the scripts."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST
from django.views.i18n import JavaScriptCatalog

from portal.web.fragments import redirect_page
from portal.web.next import safe_next

THEMES = ("light", "dark", "system")
COOKIE_SECONDS = 365 * 86400

# Defines gettext() and ngettext() for the scripts. Without a translation it contains no words.
words = cache_control(max_age=3600)(JavaScriptCatalog.as_view())


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store the chosen theme in a cookie, so that the server renders the page with it from the start."""
    chosen = request.POST.get("theme", "system")
    response = redirect_page(request, safe_next(request, request.POST.get("next"), "/"))
    response.set_cookie(
        "theme",
        chosen if chosen in THEMES else "system",
        max_age=COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure(),
    )
    return response
