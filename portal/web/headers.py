"""Headers on every answer: what the policies say, and those that neither Django nor its packages set."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

CSP_DIRECTIVES = {  # nothing but our own files; no inline script or style, no eval
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
    "Cross-Origin-Resource-Policy": "same-origin",  # nobody embeds our answers
    "X-Robots-Tag": "noindex, nofollow",  # nobody lists them
    # Django sets these too, but not on answers that come before its middleware or past it: redirects to https, bad hosts, static files
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
PERSONAL = "no-store, private"  # pages are personal: neither proxies nor the browser's history keep them


class SecurityHeadersMiddleware:
    """Adds HEADERS, and keeps every page but hashed static files out of caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers["Cache-Control"] = PERSONAL
        if request.path.startswith("/accounts/logout") and (
            response.status_code == 302 or "HX-Redirect" in response.headers
        ):  # signed out
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response
