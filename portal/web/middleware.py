"""What stands before every view: whom to believe about addresses, what is too much, and where htmx is led at sign-in."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from portal.web.errors import bad_request, too_large
from portal.web.next import safe_next

Next = Callable[[HttpRequest], HttpResponse]
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxyMiddleware:
    """Believes X-Forwarded-For and -Proto of named proxies only; what strangers send is taken away."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.trusted: list[Network] = [ipaddress.ip_network(one, strict=False) for one in settings.PORTAL_TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if self.is_trusted(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = self.client_of(meta.get("HTTP_X_FORWARDED_FOR", ""), meta["REMOTE_ADDR"])
            kept = {"HTTP_X_FORWARDED_PROTO": meta.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip()}
        else:
            kept = {}
        for name in FORWARDED:
            meta.pop(name, None)
        meta.update({name: value for name, value in kept.items() if value})
        return self.get_response(request)

    def is_trusted(self, address: str) -> bool:
        """Say whether an address is one of our proxies."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.trusted)

    def client_of(self, header: str, peer: str) -> str:
        """Return the client: from the right, the first address that is no proxy of ours."""
        for one in reversed([part.strip() for part in header.split(",") if part.strip()]):
            if not self.is_trusted(one):
                try:
                    return str(ipaddress.ip_address(one))
                except ValueError:
                    return peer
        return peer


class InputLimitsMiddleware:
    """Answers NULs and bodies that are too large with a page that says so, before any view reads them."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request)
        try:
            fields = request.POST
        except (RequestDataTooBig, TooManyFieldsSent):
            return too_large(request)
        except (UnreadablePostError, SuspiciousOperation, ValueError):
            return bad_request(request)
        if any("\x00" in value for values in (*dict(fields.lists()).values(),) for value in values if isinstance(value, str)):
            return bad_request(request)
        return self.get_response(request)


class HtmxRedirectMiddleware:
    """A fragment that needs a sign-in leads the whole page there: a sign-in form has no place in a table."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request, "htmx", None) or response.status_code not in (301, 302, 303, 307, 308):
            return response
        place = response.headers.get("Location", "/")
        if urlsplit(place).path == settings.LOGIN_URL:
            current = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = safe_next(request, current.path + (f"?{current.query}" if current.query else ""), "/")
            place = f"{settings.LOGIN_URL}?{urlencode({'next': back})}"
        led = HttpResponse(status=200)
        led.cookies = response.cookies
        led["HX-Redirect"] = place
        return led
