"""What all tasks have in common."""

from typing import Any

import celery

from portal.call_stack import call_with_room


class Task(celery.Task):  # type: ignore[misc,type-arg]
    """A task whose calls have room on the stack."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task."""
        return call_with_room(self.run, *args, **kwargs)
