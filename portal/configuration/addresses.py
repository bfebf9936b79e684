"""Addresses in settings: where people find the portal, where Roboflow is, which proxies are trusted. Pure."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

from portal.environment import BadSetting, quoted

PORTS = {"http": 80, "https": 443}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_OF_SERVER = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")  # names in docker networks may have _
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


@dataclass(frozen=True)
class BaseAddress:
    """The address that people type, as browsers send it: lower case, punycode, IPv6 in brackets.

    `port` is None when it is the one of the scheme.
    """

    scheme: str
    host: str
    port: int | None

    @property
    def url(self) -> str:
        """Return the address without a slash at its end."""
        return self.origin_of(self.host)

    @property
    def is_https(self) -> bool:
        """Say whether browsers come by TLS."""
        return self.scheme == "https"

    @property
    def is_local(self) -> bool:
        """Say whether only browsers on this machine can use the address."""
        return self.host in LOOPBACK

    @property
    def hosts(self) -> list[str]:
        """Return the Host headers to answer; 127.0.0.1 is asked by health checks."""
        return sorted({self.host, "127.0.0.1"} | (LOOPBACK if self.is_local else set()))

    @property
    def origins(self) -> list[str]:
        """Return the Origin headers from which forms are accepted."""
        return sorted(self.origin_of(host) for host in {self.host} | (LOOPBACK if self.is_local else set()))

    @property
    def mail_domain(self) -> str:
        """Return the domain for the sender of mails; RFC 5321 puts IP addresses in brackets."""
        if self.host.startswith("["):
            return f"[IPv6:{self.host[1:-1]}]"
        return f"[{self.host}]" if is_ipv4(self.host) else self.host

    def origin_of(self, host: str) -> str:
        """Return scheme, `host` and port as a browser writes them."""
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")


def parse_base_address(text: str) -> BaseAddress:
    """Return the address of PORTAL_BASE_URL. Raises BadSetting."""
    parts = split_address(text, example="https://portal.example.com")
    if parts.path.strip("/"):
        raise BadSetting(
            "has a path: the portal is served at the root of a host name, so leave the path out."
        )
    host = parse_host(parts, LABEL)
    if host in ("0.0.0.0", "[::]"):  # noqa: S104 - refused, not bound
        raise BadSetting(f"has the host {host}, where a server listens: write the address that people type.")
    return BaseAddress(parts.scheme, host, parse_port(parts))


def parse_upstream_address(text: str) -> str:
    """Return an address of Roboflow's APIs without a slash at its end, "" for none. Raises BadSetting."""
    if not text.strip():
        return ""
    parts = split_address(text, example="https://roboflow.cloud")
    host, port = parse_host(parts, LABEL_OF_SERVER), parse_port(parts)
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "") + parts.path.rstrip("/")


def split_address(text: str, *, example: str) -> SplitResult:
    """Return the parts of an http(s) address without user, query and fragment. Raises BadSetting.

    No message repeats the whole text: a user, a password or a key in it must not reach a log.
    """
    text = text.strip()
    unreadable = BadSetting(f"is not an address: write it like {example}.")
    if not text.isprintable() or " " in text or "\\" in text:
        raise unreadable
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets without an IPv6 address between them
        raise unreadable from None
    if parts.scheme not in PORTS or not text[len(parts.scheme) :].startswith("://"):
        raise BadSetting(f"does not begin with http:// or https://: write it like {example}.")
    if "@" in parts.netloc:
        raise BadSetting("names a user or a password: leave that out.")
    if "?" in text:
        raise BadSetting('has a query ("?..."): leave that out.')
    if "#" in text:
        raise BadSetting('has a fragment ("#..."): leave that out.')
    if not parts.hostname:
        raise BadSetting(f"names no host: write it like {example}.")
    return parts


def parse_port(parts: SplitResult) -> int | None:
    """Return the port, or None for the scheme's own: browsers leave that out. Raises BadSetting."""
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise BadSetting("has a port that does not exist: ports are numbers from 1 to 65535.")
    return None if port == PORTS[parts.scheme] else port


def parse_host(parts: SplitResult, label: re.Pattern[str]) -> str:
    """Return the host as a browser sends it. Raises BadSetting."""
    host = parts.hostname or ""
    if "[" in parts.netloc:
        return parse_ipv6(host)
    host = to_punycode(host.removesuffix("."))  # the dot of a full name; Django drops it from Host as well
    labels = host.split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):  # browsers read such a host as IPv4, or refuse it
        if not is_ipv4(host):
            raise BadSetting(f"has the host {quoted(host)}, which is not an IPv4 address.")
        return host
    if len(host) > 253 or not all(label.fullmatch(part) for part in labels):
        allowed = "host names are made of letters, digits, hyphens and dots"
        raise BadSetting(f"has the host {quoted(host)}: {allowed}{' (no _)' if '_' in host else ''}.")
    return host


def parse_ipv6(host: str) -> str:
    """Return an IPv6 address in its short form, in brackets. Raises BadSetting."""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise BadSetting(f"has the host [{host}], which is not an IPv6 address.") from None
    if address.scope_id:
        raise BadSetting("has an IPv6 address with a zone (%...): browsers do not know zones.")
    if address.ipv4_mapped:
        raise BadSetting(f"has an IPv4 address written as IPv6: write {address.ipv4_mapped}.")
    return f"[{address.compressed}]"


def to_punycode(host: str) -> str:
    """Return `host` as browsers send it: letters beyond ASCII as punycode (xn--...). Raises BadSetting."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError:
        raise BadSetting(f"has the host {quoted(host)}, which is not an international domain name.") from None


def is_ipv4(host: str) -> bool:
    """Say whether `host` is an IPv4 address in its usual form."""
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False


def parse_network(text: str) -> str:
    """Return a trusted address or network; IPv4 written as IPv6 becomes IPv4. Raises BadSetting."""
    try:
        network = ipaddress.ip_network(text, strict=False)
        if "%" in text:  # a zone means something on one host only
            raise ValueError
    except ValueError:
        allowed = "write IP addresses or networks, like 10.0.0.5 or 10.0.0.0/24, with commas between them"
        raise BadSetting(f"names {quoted(text)}: {allowed}.") from None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped and network.prefixlen >= 96:
        network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    if network.prefixlen == 0:
        raise BadSetting(
            f"names {text}, every address there is: anyone could forge theirs. Name your proxies."
        )
    return str(network)
