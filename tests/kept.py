"""What a process keeps between requests, so that it reads it once for each revision."""


def forget_kept() -> None:
    """Empty all of it, as in a process that has just started."""
    from deployments.fleet.overview import known_overviews
    from deployments.workspaces.quiet_polls import remembered
    from portal.audit.facets import known_counts
    from portal.web.kept_html import render_part

    remembered.clear()
    known_overviews.clear()
    known_counts.clear()
    render_part.cache_clear()
