"""Stored log lines, and what of each deployment's log was read."""

from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from django.db import models
from django.db.models import Q

from deployments.fleet.models import Deployment
from deployments.logs.meaning import DEFAULT, WORDS
from deployments.workspaces.models import Workspace

HARVEST_EVERY = timedelta(seconds=3)  # while somebody has the log open
LONGEST_WAIT = timedelta(hours=1)  # no harvest is due later: a later time was written by another clock
COUNTED_TOGETHER = timedelta(minutes=10)
LOST_AFTER = timedelta(minutes=2)  # a message that no worker took by then is taken for lost


class Line(models.Model):
    """One line of a deployment's log. Keys in it were masked before it was stored."""

    # What has a fixed length comes first: then PostgreSQL needs no padding.
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="lines", db_index=False)
    timestamp = models.DateTimeField()
    insert_id = models.CharField(max_length=255)  # Roboflow's id of the line
    severity = models.CharField(max_length=20, blank=True)  # as Roboflow gives it
    payload = models.TextField(blank=True)
    text = models.TextField(blank=True)  # as people read and search it; "" when it is the payload
    level = models.CharField(max_length=8, blank=True)  # of meaning.LEVELS: as the line itself says it
    kind = models.CharField(max_length=10, blank=True)  # of search.KINDS, or "" for any other line

    class Meta:
        constraints: ClassVar = [
            # Spans overlap, so most lines are read more than once.
            models.UniqueConstraint(fields=["deployment", "insert_id"], name="one_line_per_insert_id"),
        ]
        indexes: ClassVar = [
            # The lines of the log page, in the order of time.
            models.Index(fields=["deployment", "timestamp", "id"], name="lines_in_time"),
            # The lines of the page of a whole workspace.
            models.Index(fields=["timestamp", "id"], name="lines_of_all_in_time"),
        ]

    def __str__(self) -> str:
        return f"{self.timestamp:%H:%M:%S} {self.plain[:60]}"

    @property
    def plain(self) -> str:
        """The line as people read it: without colours and control codes, the message of JSON first."""
        return self.text or self.payload

    @property
    def shown_level(self) -> str:
        """The level that the line itself tells, or else that of Roboflow's severity."""
        return shown_level(self.level, self.severity)


class NewLine(NamedTuple):
    """A line that is not stored yet, by the names of its columns; quicker to make than a Line."""

    deployment_id: int
    insert_id: str
    timestamp: datetime
    severity: str
    payload: str
    text: str
    level: str
    kind: str


def shown_level(level: str, severity: str) -> str:
    """Return the level of meaning.LEVELS that the line itself tells, or else that of Roboflow's severity."""
    return level or WORDS.get(severity.upper(), DEFAULT)


class HarvestQuerySet(models.QuerySet["Harvest"]):
    """Filters for harvests."""

    def due(self, now: datetime) -> "HarvestQuerySet":
        """Return the logs that are to be read now, and whose harvest waits for no worker.

        Those that somebody has open are due every HARVEST_EVERY. Times far ahead were written before a clock
        was set back, and hold nothing up.
        """
        ahead = now + LOST_AFTER
        long_ago = Q(harvested_at__lte=now - HARVEST_EVERY) | Q(harvested_at__gt=ahead)
        is_watched = Q(wanted_until__gt=now) & (Q(harvested_at=None) | long_ago)
        is_time = Q(due_at__lte=now) | Q(due_at__gt=now + LONGEST_WAIT)
        is_not_waiting = Q(asked_at=None) | Q(asked_at__lte=now - LOST_AFTER) | Q(asked_at__gt=ahead)
        return self.filter(is_watched | is_time, is_not_waiting)


class Harvest(models.Model):
    """How the log of one deployment is read: until when somebody has it open, and when it is due again.

    `wanted_from`, `read_to`, `pruned_to` and what is doubted are times of Roboflow's clock, like the lines'.
    """

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="harvest")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="harvests", db_index=False
    )
    wanted_until = models.DateTimeField(null=True)  # extended by each poll of an open log page
    wanted_from = models.DateTimeField(null=True)  # the earliest time that a page asked for
    due_at = models.DateTimeField(null=True)  # the next harvest though nobody has it open; None: no more
    asked_at = models.DateTimeField(null=True)  # when a harvest was published that no worker took yet
    harvested_at = models.DateTimeField(null=True)  # the last attempt, successful or not
    read_to = models.DateTimeField(null=True)  # up to here, the newest lines were read at least once
    pruned_to = models.DateTimeField(null=True)  # what is older was removed from the store
    # A long span of which Roboflow had nothing, until it says so once more.
    doubted_from = models.DateTimeField(null=True)
    doubted_to = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # Roboflow's text, masked
    error_reading = models.TextField(blank=True)  # our sentence; empty when the last attempt succeeded
    revision = models.BigIntegerField(default=1)
    stored_lines = models.BigIntegerField(default=0)  # in all, as the rows of LineCount together say
    stored_bytes = models.BigIntegerField(default=0)

    objects = HarvestQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # What the periodic task asks: which logs somebody has open, and which are due.
            models.Index(fields=["wanted_until"], name="harvest_wanted"),
            models.Index(fields=["due_at"], name="harvest_due"),
            # Which logs of a workspace have lines, and how much is stored of it.
            models.Index(fields=["workspace", "stored_lines"], name="harvest_stored"),
        ]


class Covered(models.Model):
    """A span of a log, in Roboflow's clock, of which every line is stored: the portal never reads it again.

    The spans of one deployment are disjoint. Only the holder of the harvest's lease writes them.
    """

    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="covered", db_index=False
    )
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # The newest spans of one log.
            models.Index(fields=["deployment", "end"], name="covered_in_time"),
        ]


class Gap(models.Model):
    """A moment of a log at which lines are missing.

    Roboflow has more of them than one of its answers holds; or some lines of an answer could not be read.
    """

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="gaps", db_index=False)
    at = models.DateTimeField()
    lines = models.IntegerField()  # how many of them the answer held, or could not be read
    is_unreadable = models.BooleanField(default=False)  # the answer begins here; lines had no time or no id

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "at"], name="one_gap_per_moment"),
        ]


class LineCount(models.Model):
    """What is stored of one log of ten minutes: lines by level, requests, and about how many bytes.

    Histograms of long ranges and the figures of requests read these rows instead of the lines.
    """

    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="line_counts", db_index=False
    )
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="line_counts", db_index=False
    )
    start = models.DateTimeField()  # when the ten minutes begin, by Roboflow's clock
    lines = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    errors = models.IntegerField(default=0)  # the levels, without health checks
    warnings = models.IntegerField(default=0)
    infos = models.IntegerField(default=0)
    debugs = models.IntegerField(default=0)
    others = models.IntegerField(default=0)
    health_checks = models.IntegerField(default=0)
    requests = models.IntegerField(default=0)  # without health checks
    refused = models.IntegerField(default=0)  # of them, answered with 4xx
    failed = models.IntegerField(default=0)  # of them, answered with 5xx
    timed = models.IntegerField(default=0)  # of them, those whose line tells how long they took
    milliseconds = models.FloatField(default=0)  # that those took together

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "start"], name="one_count_per_ten_minutes"),
        ]
        indexes: ClassVar = [
            # The oldest counts of a workspace, whose lines are removed first, and its histogram.
            models.Index(fields=["workspace", "start"], name="counts_in_time"),
        ]


class CallBudget(models.Model):
    """The calls that the harvests of one workspace made within one minute."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="log_budget")
    minute = models.BigIntegerField(default=0)  # minutes since the Unix epoch, by the portal's clock
    calls = models.IntegerField(default=0)
