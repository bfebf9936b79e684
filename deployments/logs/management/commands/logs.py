"""Read stored log lines in a terminal: the last ones and what comes, a search, or a file of all."""

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from deployments.fleet.models import Deployment
from deployments.keys.regions import roboflow_time
from deployments.logs.download import FLEET_COLUMNS, text_line, value_of
from deployments.logs.due import request_harvest
from deployments.logs.meaning import LEVELS
from deployments.logs.models import Line
from deployments.logs.news import newest_pk
from deployments.logs.pages import DOWNLOAD_FETCH, newest_whole_lines
from deployments.logs.search import filter_lines
from deployments.logs.words import BadPattern, expression_pattern
from deployments.workspaces.models import Workspace
from portal.clock import now
from portal.web.export import json_lines

POLL_SECONDS = 1.0
FIRST_LINES = 20


class Command(BaseCommand):
    """`manage.py logs tail|search|export`. It reads the store; only `tail` has the portal read new lines."""

    help = "Read stored log lines: tail NAME, search TEXT, export NAME."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        tail = verbs.add_parser(
            "tail", help="print the last lines, then new ones as they come; Ctrl-C ends it"
        )
        tail.add_argument("name")
        tail.add_argument("--lines", type=int, default=FIRST_LINES)
        tail.add_argument("--no-follow", action="store_true", help="print the last lines only")
        search = verbs.add_parser("search", help="print the lines that contain a text, oldest first")
        search.add_argument("text")
        search.add_argument("--regex", action="store_true", help="the text is a regular expression (RE2)")
        search.add_argument("--name", help="of one deployment only")
        search.add_argument("--hours", type=float, default=24.0, help="how far back, 24 by default")
        export = verbs.add_parser(
            "export", help="print all stored lines, oldest first, one JSON object a line"
        )
        export.add_argument("name")
        for one in (tail, search, export):
            one.add_argument("--workspace", help="the slug, if the portal has several workspaces")
        for one in (tail, search):
            one.add_argument("--level", choices=[level.lower() for level in LEVELS])

    def handle(self, *, verb: str, workspace: str | None, **options: Any) -> None:
        """Run one of the commands. Raises CommandError for a workspace or a deployment that is unknown."""
        place = find_workspace(workspace)
        query = {"level": (options.get("level") or "").upper(), "health": True}
        if verb == "search":
            query |= {"q": options["text"], "regex": options["regex"]}
            self.search(place, query, name=options["name"], hours=options["hours"])
            return
        deployment = find_deployment(place, options["name"])
        rows = filter_lines(Line.objects.filter(deployment=deployment), query)
        if verb == "export":
            self.export(rows.select_related("deployment").order_by("timestamp", "id"))
        else:
            self.tail(deployment, rows, count=options["lines"], is_following=not options["no_follow"])

    def tail(self, deployment: Deployment, rows: QuerySet[Line], *, count: int, is_following: bool) -> None:
        """Print the last lines, then each new one once, until the person ends it."""
        after = newest_pk()
        self.print_lines(newest_whole_lines(rows, count) if count > 0 else [])
        while is_following:
            region, current_time = deployment.workspace.region, now()
            request_harvest(deployment, since=roboflow_time(region, current_time), now=current_time)
            time.sleep(POLL_SECONDS)
            new = sorted(rows.filter(pk__gt=after).order_by("pk"), key=lambda line: line.timestamp)
            after = max([after, *(line.pk for line in new)])
            self.print_lines(new)

    def search(self, workspace: Workspace, query: dict[str, Any], *, name: str | None, hours: float) -> None:
        """Print the lines of the last hours that contain a text, each with the name of its deployment.

        Raises CommandError for what is not a regular expression though it should be one.
        """
        try:
            pattern = expression_pattern(query["q"]) if query["regex"] else None
        except BadPattern as error:
            raise CommandError(f"This is not a regular expression: {error}.") from None
        since = roboflow_time(workspace.region, now()) - timedelta(hours=hours)
        rows = Line.objects.filter(deployment__workspace=workspace, timestamp__gte=since)
        if name:
            rows = rows.filter(deployment=find_deployment(workspace, name))
        found = filter_lines(rows, query).select_related("deployment").order_by("timestamp", "id")
        for line in found.iterator(chunk_size=DOWNLOAD_FETCH):
            if pattern and not pattern.search(line.plain):
                continue
            self.stdout.write(f"{line.deployment.deployment_name} {text_line(line)}", ending="")

    def export(self, rows: QuerySet[Line]) -> None:
        """Print each line as a JSON object."""
        lines = rows.iterator(chunk_size=DOWNLOAD_FETCH)
        values = ({column: value_of(line, column) for column in FLEET_COLUMNS} for line in lines)
        for text in json_lines(values, FLEET_COLUMNS):
            self.stdout.write(text, ending="")

    def print_lines(self, lines: Iterable[Line]) -> None:
        """Print lines as the text download has them, at once."""
        for line in lines:
            self.stdout.write(text_line(line), ending="")
        self.stdout.flush()


def find_workspace(slug: str | None) -> Workspace:
    """Return the workspace with this slug, or the only one. Raises CommandError."""
    found = Workspace.objects.filter(slug=slug) if slug else Workspace.objects.all()
    slugs = list(found.order_by("slug").values_list("slug", flat=True))
    if len(slugs) > 1:
        raise CommandError(f"There are several workspaces: add --workspace with one of {', '.join(slugs)}.")
    if not slugs:
        raise CommandError(f"There is no workspace {slug}." if slug else "There is no workspace yet.")
    return found.get()


def find_deployment(workspace: Workspace, name: str) -> Deployment:
    """Return the deployment with this id, or the newest one of this name, live ones first.

    Raises CommandError.
    """
    rows = Deployment.objects.filter(workspace=workspace).select_related("workspace")
    by_id = rows.filter(deployment_id=name).first()
    same_name = rows.filter(deployment_name=name)
    found = by_id or same_name.live().order_by("-first_seen_at").first()  # type: ignore[attr-defined]
    found = found or same_name.order_by("-first_seen_at").first()
    if found is None:
        raise CommandError(f"There is no deployment {name} in {workspace.slug}.")
    return found
