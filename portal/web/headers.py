"""Headers of every response: the policies, and headers that Django does not set everywhere."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

CSP_DIRECTIVES = {  # only the portal's own files; no inline script or style, no eval
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "font-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}
FORBIDDEN_FEATURES: dict[str, list[str]] = {
    name: []
    for name in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
}
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",  # other sites cannot embed a response
    "X-Robots-Tag": "noindex, nofollow",  # search engines do not list a page
    # Django sets the next ones too, but not on responses that are made before its middleware or without it:
    # redirects to HTTPS, unknown hosts, static files.
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
PERSONAL = "no-store, private"  # neither proxies nor the browser may store a page: it is for one person


class SecurityHeadersMiddleware:
    """Adds HEADERS, and forbids caches to store anything that can be for one person.

    Static files, whose names contain a hash, and the words of the scripts are the same for everybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response with the headers; after signing out, also clear the browser's data."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith((settings.STATIC_URL, "/words.js")):
            response.headers["Cache-Control"] = PERSONAL
        if is_signed_out(request, response):
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


def is_signed_out(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether the request signed the person out: allauth redirects them, also through htmx."""
    is_redirect = response.status_code == 302 or "HX-Redirect" in response.headers
    return request.path.startswith("/accounts/logout") and is_redirect
