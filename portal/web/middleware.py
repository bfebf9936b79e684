"""Middleware in front of every view: client addresses behind proxies, HEAD, limits of input, redirects."""

import ipaddress
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from portal.call_stack import call_with_room
from portal.web.errors import bad_request, is_sent_by_htmx, too_large
from portal.web.forwarded import Address, find_client, parse_address
from portal.web.next import safe_next

GetResponse = Callable[[HttpRequest], HttpResponse]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CLIENT_HEADERS = (  # the beginnings of headers that claim something about the client
    "HTTP_X_FORWARDED",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_CLIENT_IP",
    "HTTP_X_CLIENT_IP",
    "HTTP_X_CLUSTER_CLIENT_IP",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP",
    "HTTP_FASTLY_CLIENT_IP",
)
REDIRECTS = (301, 302, 303, 307, 308)


class StackMiddleware:
    """Gives all that a request calls room on the stack."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response."""
        return call_with_room(self.get_response, request)


class TrustedProxyMiddleware:
    """Sets the client's address from X-Forwarded-For, and keeps X-Forwarded-Proto, of trusted proxies only.

    The setting PORTAL_TRUSTED_PROXIES lists them, and PORTAL_PROXY_HOPS says how many of their addresses are
    skipped in X-Forwarded-For. All other headers about the client are removed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.hops = settings.PORTAL_PROXY_HOPS
        self.trusted: list[Network] = [
            ipaddress.ip_network(one, strict=False) for one in settings.PORTAL_TRUSTED_PROXIES
        ]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set REMOTE_ADDR, remove the headers that are not trusted, and return the response."""
        meta, proto = request.META, ""
        peer = parse_address(meta.get("REMOTE_ADDR", ""))
        if peer is not None:
            if self.is_trusted(peer):
                header = meta.get("HTTP_X_FORWARDED_FOR", "")
                proto = meta.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
                peer = find_client(header, peer, hops=self.hops, is_trusted=self.is_trusted)
            meta["REMOTE_ADDR"] = str(peer)
        claims = [name for name in meta if name.startswith(CLIENT_HEADERS)]
        for name in claims:
            del meta[name]
        if proto:
            meta["HTTP_X_FORWARDED_PROTO"] = proto
        elif claims:  # some servers take the scheme from them, trusted or not
            meta["wsgi.url_scheme"] = "http"
        return self.get_response(request)

    def is_trusted(self, address: Address) -> bool:
        """Return whether `address` belongs to a trusted proxy."""
        return any(address in network for network in self.trusted)


class HeadMiddleware:
    """Answers HEAD wherever GET is answered: the views see a GET, and the body is left out.

    Without it each view would have to name HEAD, and those that name GET and POST would refuse it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response; for HEAD with the headers of a GET, Content-Length included, and no body."""
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        try:
            response: Any = self.get_response(request)
        finally:
            request.method = "HEAD"
        if response.streaming:
            response.streaming_content = ()  # what it would have sent is closed with the response
        else:
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return cast(HttpResponse, response)


class InputLimitsMiddleware:
    """Refuses NUL characters and bodies that are too large, before a view reads them.

    PostgreSQL refuses text with a NUL: a cookie or field with one would otherwise end in an error 500.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, or the page for a request that is too large (413) or not valid (400)."""
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
    """Return the Content-Length of the request in bytes, 0 without one.

    Django's own limit does not count uploaded files.
    """
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def request_texts(request: HttpRequest) -> list[str]:
    """Return every text of the request that may reach the database: path, cookies, parameters and fields."""
    texts = [request.path, *request.COOKIES.values()]
    for source in (request.GET, request.POST):
        for name, values in source.lists():
            texts += [name, *(value for value in values if isinstance(value, str))]
    return texts


class HtmxRedirectMiddleware:
    """Redirects the whole page when the response to htmx is a redirect.

    Otherwise htmx would follow it and put, for example, the sign-in form into a table.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response; for htmx, HX-Redirect in place of a redirect."""
        response = self.get_response(request)
        if not is_sent_by_htmx(request) or response.status_code not in REDIRECTS:
            return response
        location = response.headers.get("Location", "/")
        if urlsplit(location).path == settings.LOGIN_URL:  # lead back to the page, not to its part
            page = safe_next(request, current_page(request), "/")
            location = f"{settings.LOGIN_URL}?{urlencode({'next': page})}"
        page_redirect = HttpResponse(status=200)
        page_redirect.cookies = response.cookies
        page_redirect["HX-Redirect"] = location
        return page_redirect


def current_page(request: HttpRequest) -> str:
    """Return path and query of the page that sent the htmx request; "" without a valid header."""
    try:
        url = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return url.path + (f"?{url.query}" if url.query else "")
