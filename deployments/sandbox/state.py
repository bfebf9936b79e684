"""What all routes share: settings, facts, standing faults and the counts of calls."""

from dataclasses import dataclass, field

from deployments.sandbox.faults import Faults
from deployments.sandbox.journal import Calls
from deployments.sandbox.settings import Settings
from deployments.sandbox.store import Store


@dataclass
class Sandbox:
    """One running imitation. `settings` may be exchanged while running; `started_with` is what a reset returns to."""

    settings: Settings
    store: Store
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)

    def __post_init__(self) -> None:
        self.started_with = self.settings

    def reset(self, *, now: float) -> None:
        """Back to the opening: no faults, no journal, no calls, the first settings, the first keys."""
        self.settings = self.started_with
        self.faults.clear()
        self.calls.clear()
        self.open_story(now=now)

    def open_story(self, *, now: float) -> None:
        settings = self.settings
        self.store.open_story(
            now=now, hour_seconds=settings.hour_seconds, seed=settings.seed, empty=settings.empty
        )
