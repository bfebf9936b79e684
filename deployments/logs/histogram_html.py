"""The bars of a histogram as SVG. Python writes them: they have many parts, and templates are slower."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from deployments.logs.histogram import HEIGHT, Bar
from portal.web.times import exact_text


def bar_links(bars: Iterable[Bar], url: str) -> SafeString:
    """Return the bars as links to their lines. `url` is the address of the log, with its query string.

    The first bar alone can be reached by Tab; a script moves between them.
    """
    joint = "" if url.endswith("?") else "&" if "?" in url else "?"
    beginning = escape(f"{url}{joint}from=")
    links = []
    for number, bar in enumerate(bars):
        address = f"{beginning}{quote(bar.start.isoformat())}&amp;to={quote(bar.end.isoformat())}"
        skipped = ' tabindex="-1"' if number else ""
        title = escape(f"{exact_text(bar.start)}: {bar.text}")
        links.append(f'<a href="{address}"{skipped}><title>{title}</title>{rects_of(bar)}</a>')
    return mark_safe("\n".join(links))  # noqa: S308 - each text was escaped above


def rects_of(bar: Bar) -> str:
    """Return the rectangles of a bar: one to point at, as high as the drawing, and one for each level."""
    place = f'x="{bar.x}%" width="{bar.width}%"'
    parts = "".join(
        f'<rect {place} y="{y}" height="{height}" class="level-{level}"/>' for level, y, height in bar.parts
    )
    return f'<rect {place} y="0" height="{HEIGHT}" class="room"/>{parts}'
