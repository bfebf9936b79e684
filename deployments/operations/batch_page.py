"""The page of a batch: its sums, and what became of each deployment."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, Q

from deployments.fleet.models import Deployment
from deployments.fleet.shown import told_operations
from deployments.ledger.models import Batch, Operation, OperationQuerySet
from deployments.ledger.results import ToldState, batch_text
from deployments.ledger.states import OPEN_STATES, State


@dataclass(frozen=True)
class BatchPage:
    """What became of a batch so far.

    `since` is the revision of the page that asks for what is new; None: it has nothing yet.
    """

    batch: Batch
    since: int | None = None

    @cached_property
    def counts(self) -> dict[str, int]:
        """The numbers of operations by state."""
        states = self.batch.operations.order_by().values_list("state")
        return dict(states.annotate(count=Count("pk")))

    @property
    def size(self) -> int:
        """The number of operations."""
        return sum(self.counts.values())

    @property
    def sums(self) -> str:
        """The sums in words."""
        return batch_text(self.batch.facts, self.counts, len(self.batch.skipped))

    @property
    def is_running(self) -> bool:
        """Whether an operation has not ended."""
        return any(state in OPEN_STATES for state in self.counts)

    @cached_property
    def rows(self) -> list[tuple[Operation, ToldState]]:
        """Each operation with what is told of it: those that need a look first, then by name.

        With `since`, only those of which something else is told now. They keep their places on the page.
        """
        chosen = self.batch.operations.select_related("workspace", "actor").order_by("target_name")
        if self.since is not None:
            chosen = self.changed_since(chosen, self.since)
        rows = sorted(chosen, key=lambda one: one.state not in (State.FAILED, State.NEEDS_ATTENTION))
        return told_operations(self.batch.workspace, rows)

    def changed_since(self, operations: OperationQuerySet, revision: int) -> OperationQuerySet:
        """Return the operations that changed after the revision, or whose deployment did."""
        reported = Deployment.objects.filter(workspace=self.batch.workspace, revision__gt=revision)
        is_reported_anew = Q(target_id__in=reported.values("deployment_id"))
        return operations.filter(Q(revision__gt=revision) | is_reported_anew)

    @cached_property
    def failed_ids(self) -> list[str]:
        """The deployment_ids of those that failed, for **Retry failed**."""
        failed = self.batch.operations.filter(state=State.FAILED).order_by("target_name")
        return list(failed.values_list("target_id", flat=True))
