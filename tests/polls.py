"""What an open page asks by itself: the address in the element that polls."""

import re
from html import unescape


def poll_address(page: str, region: str) -> str:
    """Return the address that the element with the id `region` of a page asks for what is new."""
    tag = re.search(rf'<[a-z]+[^>]*id="{region}"[^>]*>', page)
    assert tag, f"{region} is not on the page"
    address = re.search(r'hx-get="([^"]*)"', tag[0])
    assert address, f"{region} does not poll"
    return unescape(address[1])
