"""What belongs to no room: the choice of light, dark or the system's look."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from portal.web.fragments import redirect_page
from portal.web.next import safe_next

THEMES = ("light", "dark", "system")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen look in a cookie: the server writes it into the page, so that nothing flashes."""
    chosen = request.POST.get("theme", "system")
    response = redirect_page(request, safe_next(request, request.POST.get("next"), "/"))
    response.set_cookie(
        "theme",
        chosen if chosen in THEMES else "system",
        max_age=365 * 86400,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure(),
    )
    return response
