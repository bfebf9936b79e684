"""How a person wants the fleet's table: which columns, in which order, and how high its rows are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.accounts.preferences import preference

COLUMNS = {  # name, which is also the CSS class, to label; name and status are always there
    "replicas": _("Replicas"),
    "machine": _("Machine"),
    "cost": _("Credits an hour"),
    "version": _("Version"),
    "creator": _("Creator"),
    "expiry": _("Expires"),
    "request": _("Last request"),
    "strip": _("Last 24 hours"),
}
DENSITIES = ("comfortable", "compact")


@dataclass(frozen=True)
class FleetLook:
    """What one person chose."""

    columns: tuple[str, ...]
    density: str

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """All columns as (name, label, whether it is shown): the shown ones first, in their order."""
        hidden = [name for name in COLUMNS if name not in self.columns]
        shown = [(name, str(COLUMNS[name]), True) for name in self.columns]
        return [*shown, *((name, str(COLUMNS[name]), False) for name in hidden)]


def look_of(user: Any) -> FleetLook:
    """Return the look that the person chose, or the usual one."""
    density = preference(user, "density")
    return FleetLook(
        columns=known_columns(preference(user, "columns", list(COLUMNS))),
        density=density if density in DENSITIES else DENSITIES[0],
    )


def known_columns(names: Iterable[Any]) -> tuple[str, ...]:
    """Return those of `names` that are columns, each once, in their order."""
    return tuple(dict.fromkeys(name for name in names if name in COLUMNS))


def moved_up(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return the columns with `name` one place further to the left."""
    if name not in names or names[0] == name:
        return names
    at, order = names.index(name), list(names)
    order[at - 1], order[at] = order[at], order[at - 1]
    return tuple(order)
