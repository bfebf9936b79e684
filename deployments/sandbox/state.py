"""The state of one running sandbox: its settings, stored facts, active faults, clock and received calls."""

from dataclasses import dataclass, field

from deployments.sandbox.active_faults import Faults
from deployments.sandbox.calls import CallLog
from deployments.sandbox.clock import Clock
from deployments.sandbox.settings import Settings
from deployments.sandbox.store import Store


@dataclass
class Sandbox:
    """One running sandbox. `settings` can be replaced while it runs; a reset restores `initial_settings`."""

    settings: Settings
    store: Store
    faults: Faults = field(default_factory=Faults)
    calls: CallLog = field(default_factory=CallLog)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.initial_settings = self.settings

    def reset(self, *, now: float) -> None:
        """Restore the initial settings and data; clear the faults, the journal and the calls."""
        self.settings = self.initial_settings
        # A call that still waits belongs to the time before the reset: it must not change the new data.
        self.faults.heal(drop=True)
        self.clock.set_right()
        self.calls.clear_all()
        self.load_initial_data(now=now)

    def load_initial_data(self, *, now: float) -> None:
        """Replace everything in the store by the initial data, aged relative to `now` (a Unix timestamp)."""
        self.store.load_initial_data(
            now=now,
            hour_seconds=self.settings.hour_seconds,
            seed=self.settings.seed,
            empty=self.settings.empty,
        )
