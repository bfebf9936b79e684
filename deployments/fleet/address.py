"""The one segment of our addresses that names a deployment, whatever characters Roboflow's id has."""

import re
from functools import lru_cache

from django.urls import register_converter, reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

PLACE = "deployment.segment"  # has a sign that no slug of a workspace has
ENCODED = "~"  # begins a segment whose rest is the id in base64
# What no browser, proxy or server reads as more than one segment, drops, or decodes: RFC 3986's unreserved
# characters without the ones that begin an encoded id, and not the names of our own pages.
PLAIN = re.compile(r"(?!new$)(?!\.{1,2}$)[A-Za-z0-9._-]+")


class DeploymentIdConverter:
    """Converts between a deployment_id and its segment: the id itself if it is plain, or else encoded.

    Quoting alone is not enough: browsers resolve `..` and `%2E%2E`, servers decode `%2F` before they route.
    """

    regex = r"~[A-Za-z0-9_-]+|[A-Za-z0-9._-]+"

    def to_python(self, value: str) -> str:
        """Return the deployment_id of a segment. Raises ValueError, which makes a 404, for another segment.

        Each id has one segment only, so that a page has one address.
        """
        is_encoded = value.startswith(ENCODED)
        found = urlsafe_base64_decode(value.removeprefix(ENCODED)).decode() if is_encoded else value
        if self.to_url(found) != value:
            raise ValueError
        return found

    def to_url(self, value: str) -> str:
        """Return the segment of a deployment_id."""
        if PLAIN.fullmatch(value):
            return value
        return ENCODED + urlsafe_base64_encode(value.encode())


# models.py imports this file, so the converter exists before Django reads any URLs.
register_converter(DeploymentIdConverter, "deployment_id")
HOST_NAME = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


@lru_cache(maxsize=1000)
def url_pattern(slug: str) -> str:
    """Return the address of a deployment's page in a workspace, with PLACE for the segment that names it."""
    return reverse("fleet:detail", args=[slug, PLACE])


def deployment_url(slug: str, deployment_id: str) -> str:
    """Return the address of a deployment's page. Django's reverse() takes ten times as long."""
    return url_pattern(slug).replace(PLACE, DeploymentIdConverter().to_url(deployment_id))


def is_host_name(text: str) -> bool:
    """Return whether a text is a host name (RFC 1123) that may appear in a command which people copy."""
    return HOST_NAME.fullmatch(text) is not None
