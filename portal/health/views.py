"""For machines: is the process alive, is the portal ready."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from portal.health.beat import portal_parts


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database and Redis answer; worker and beat were seen lately. 503 names what is missing."""
    found = portal_parts(now=now())
    ready = all(part.ok for part in found)
    return JsonResponse(
        {"ready": ready, "parts": {part.name: part.words for part in found}}, status=200 if ready else 503
    )
