"""Sessions in the database, whose small changes are given up while the database is busy."""

from copy import deepcopy
from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from portal.web.patience import is_busy, write_if_free

SMALL = {"seen_at", "workspace"}  # noted in passing, and noted again by the next page


class SessionStore(DatabaseSessionStore):
    """Django's sessions; a page does not wait for a lock to note where somebody was seen."""

    loaded: dict[str, Any] | None = None  # what the row has; None: not known

    def load(self) -> dict[str, Any]:
        """Return the stored data, and remember it to see what was changed."""
        data: dict[str, Any] = super().load()
        self.loaded = deepcopy(data)
        return data

    def save(self, must_create: bool = False) -> None:
        """Store the session. Raises OperationalError when the database is busy and not only SMALL differs."""
        if must_create:
            self.loaded = None  # a row of its own, still without the data
        elif self.loaded is not None and without_small(dict(self.items())) == without_small(self.loaded):
            write_if_free(self.save_row)
            return
        self.save_row(must_create)

    def save_row(self, must_create: bool = False) -> None:
        """Store the session. Raises OperationalError when the database is busy.

        Django raises UpdateError then, as if the session had been deleted, and answers 400.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            if error.__context__ is not None and is_busy(error.__context__):
                raise error.__context__ from error.__context__.__cause__
            raise


def without_small(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` without what is only noted in passing."""
    return {name: value for name, value in data.items() if name not in SMALL}
