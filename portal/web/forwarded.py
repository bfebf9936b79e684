"""Reads the client's address from X-Forwarded-For. Pure.

Proxies write more than addresses into it: ports, brackets, quotes, zones, IPv4 as IPv6, or a word in place of
an address (RFC 7239, section 6: "unknown" and names that begin with _).
"""

import ipaddress
import re
from collections.abc import Callable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORT = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"  # a number, or a name that hides it
IN_BRACKETS = re.compile(rf"\[([^\[\]]*)\]{PORT}")
IPV4_WITH_PORT = re.compile(rf"([0-9.]+){PORT}")
LONGEST = 100  # characters; an IPv6 address with zone, brackets and port has fewer


def parse_address(text: str) -> Address | None:
    """Return the IP address in `text`, or None when there is none.

    A port, brackets, quotes and a zone (`%eth0`, which means something on one host only) are left out. An
    IPv4 address that is mapped to IPv6 becomes IPv4 again.
    """
    text = text[: LONGEST + 1].strip().strip('"').strip()
    if len(text) > LONGEST:
        return None
    if found := IN_BRACKETS.fullmatch(text) or IPV4_WITH_PORT.fullmatch(text):
        text = found[1]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def find_client(header: str, peer: Address, *, hops: int, is_trusted: Callable[[Address], bool]) -> Address:
    """Return the client's address, for a request that the trusted proxy `peer` passed on.

    `header` is X-Forwarded-For, to which each proxy appends the address that it was called from. At most
    `hops` addresses of trusted proxies are skipped from the right: beyond them, clients in a trusted network
    could name any address. When an entry names no address, the proxy that wrote it is returned: nothing is
    known about who is behind it.
    """
    nearest = peer
    for skipped, entry in enumerate(reversed([part for part in header.split(",") if part.strip()])):
        address = parse_address(entry)
        if address is None:
            return nearest
        if skipped == hops or not is_trusted(address):
            return address
        nearest = address
    return nearest
