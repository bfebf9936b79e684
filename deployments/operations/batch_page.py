"""The page of a batch: its sums, and what became of each deployment."""

from dataclasses import dataclass
from functools import cached_property

from deployments.fleet.shown import told_operations
from deployments.ledger.models import Batch, Operation
from deployments.ledger.results import ToldState, batch_text
from deployments.ledger.states import State


@dataclass(frozen=True)
class BatchPage:
    """What became of a batch so far."""

    batch: Batch

    @cached_property
    def operations(self) -> list[Operation]:
        """Its operations: those that need a look first, then by name."""
        rows = self.batch.operations.select_related("workspace", "actor").order_by("target_name")
        return sorted(rows, key=lambda one: one.state not in (State.FAILED, State.NEEDS_ATTENTION))

    @cached_property
    def counts(self) -> dict[str, int]:
        """The numbers of operations by state."""
        counts: dict[str, int] = {}
        for operation in self.operations:
            counts[operation.state] = counts.get(operation.state, 0) + 1
        return counts

    @property
    def sums(self) -> str:
        """The sums in words."""
        return batch_text(self.batch.facts, self.counts, len(self.batch.skipped))

    @property
    def is_running(self) -> bool:
        """Whether an operation has not ended."""
        return any(operation.is_open for operation in self.operations)

    @property
    def rows(self) -> list[tuple[Operation, ToldState]]:
        """Each operation with what is told of it."""
        return told_operations(self.batch.workspace, self.operations)

    @property
    def failed_ids(self) -> list[str]:
        """The deployment_ids of those that failed, for **Retry failed**."""
        return [operation.target_id for operation in self.operations if operation.state == State.FAILED]
