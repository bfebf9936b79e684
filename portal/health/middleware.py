"""Answers /healthz and /readyz before any other part of the portal can refuse the request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.health import views

PROBES = {"/healthz": views.healthz, "/readyz": views.readyz}


class HealthMiddleware:
    """Answers the two addresses for machines whatever the Host header is, and without TLS.

    Load balancers and container engines ask by IP address or with names of their own. Both answers contain
    nothing that depends on the host, so ALLOWED_HOSTS protects nothing here; all other addresses still
    require it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer of the probe for GET and HEAD, otherwise that of the rest of the portal."""
        probe = PROBES.get(request.path_info)
        if probe is not None and request.method in ("GET", "HEAD"):
            answer = probe(request)
            answer["Content-Length"] = str(len(answer.content))  # CommonMiddleware sets it for the others
            return answer
        return self.get_response(request)
