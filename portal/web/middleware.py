"""What stands before every view: whom to believe about addresses, what is too much, and where htmx is led at sign-in."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from portal.web.errors import bad_request, is_sent_by_htmx, too_large
from portal.web.next import safe_next

Next = Callable[[HttpRequest], HttpResponse]
CLAIMS = (
    "HTTP_X_FORWARDED",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_CLIENT_IP",
    "HTTP_X_CLIENT_IP",
    "HTTP_X_CLUSTER_CLIENT_IP",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP",
    "HTTP_FASTLY_CLIENT_IP",
)  # headers that tell of a client
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxyMiddleware:
    """Believes X-Forwarded-For and -Proto of named proxies only; what strangers send is taken away."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.trusted: list[Network] = [
            ipaddress.ip_network(one, strict=False) for one in settings.PORTAL_TRUSTED_PROXIES
        ]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        meta = request.META
        if self.is_trusted(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = self.client_of(meta.get("HTTP_X_FORWARDED_FOR", ""), meta["REMOTE_ADDR"])
            kept = {"HTTP_X_FORWARDED_PROTO": meta.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip()}
        else:
            kept = {}
        for name in [name for name in meta if name.startswith(CLAIMS)]:
            del meta[name]
        meta.update({name: value for name, value in kept.items() if value})
        return self.get_response(request)

    def is_trusted(self, address: str) -> bool:
        """Say whether an address is one of our proxies."""
        found = parse_address(address)
        return found is not None and any(found in network for network in self.trusted)

    def client_of(self, header: str, peer: str) -> str:
        """Return the client: from the right, the first address that is no proxy of ours."""
        for one in reversed([part.strip() for part in header.split(",") if part.strip()]):
            if not self.is_trusted(one):
                return str(parse_address(one) or peer)
        return peer


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that `text` writes; one of IPv4 in the clothes of IPv6 (a socket for both) as IPv4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


class InputLimitsMiddleware:
    """Answers NULs and bodies that are too large with a page that says so, before any view reads them.

    PostgreSQL refuses text with a NUL: without this, a cookie or a field with one would be a fault of ours.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if declared_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return too_large(request)
        try:
            texts = request_texts(request)
        except (RequestDataTooBig, TooManyFieldsSent):
            return too_large(request)
        except (UnreadablePostError, MultiPartParserError, SuspiciousOperation, ValueError):
            return bad_request(request)
        return bad_request(request) if any("\x00" in text for text in texts) else self.get_response(request)


def declared_length(request: HttpRequest) -> int:
    """Return how much the request says that it carries; Django's own limit does not count uploaded files."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def request_texts(request: HttpRequest) -> list[str]:
    """Return every text of a request that may reach the database."""
    fields = [
        text
        for source in (request.GET, request.POST)
        for name, values in source.lists()
        for text in (name, *values)
    ]
    return [request.path, *request.COOKIES.values(), *(text for text in fields if isinstance(text, str))]


class HtmxRedirectMiddleware:
    """A fragment that needs a sign-in leads the whole page there: a sign-in form has no place in a table."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        response = self.get_response(request)
        if not is_sent_by_htmx(request) or response.status_code not in (301, 302, 303, 307, 308):
            return response
        place = response.headers.get("Location", "/")
        if urlsplit(place).path == settings.LOGIN_URL:
            place = (
                f"{settings.LOGIN_URL}?{urlencode({'next': safe_next(request, current_page(request), '/')})}"
            )
        led = HttpResponse(status=200)
        led.cookies = response.cookies
        led["HX-Redirect"] = place
        return led


def current_page(request: HttpRequest) -> str:
    """Return path and query of the page that htmx stands on; "" when it does not say."""
    try:
        current = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return current.path + (f"?{current.query}" if current.query else "")
