"""For machines: is the process alive, is the portal ready."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.health.parts import portal_parts


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer: the process is alive."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every part is well, else 503; the body names the state of each."""
    parts = portal_parts()
    is_ready = all(part.ok for part in parts)
    body = {"ready": is_ready, "parts": {part.name: part.text for part in parts}}
    return JsonResponse(body, status=200 if is_ready else 503)
