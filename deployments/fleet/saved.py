"""Saved views of the fleet and searches in its logs: filters under a name, for oneself or for the team."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import QueryDict

from deployments.fleet.models import SavedView
from deployments.fleet.overview import overview_of
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import bump_revision
from deployments.workspaces.roles import Role, is_enough
from portal.accounts.preferences import preference, set_preferences

FLEET, LOGS = "fleet", "logs"
KEPT = {
    FLEET: ("q", "status", "machine_type", "creator", "figure", "sort", "expired", "deleted", "size"),
    LOGS: ("q", "regex", "level", "severity", "kind", "health", "range", "deployment", "creator"),
}
LONGEST_NAME = 40
MOST_VIEWS = 50  # of one person in one workspace


@dataclass(frozen=True)
class SavedViews:
    """The saved views of a page that a member sees: their own, and those that others share."""

    membership: Membership
    page: str = FLEET

    @property
    def rows(self) -> list[SavedView]:
        """All of them, by name."""
        views = overview_of(self.membership).saved_views
        member = self.membership.user_id
        return [view for view in views if view.page == self.page and view.is_visible_to(member)]

    @property
    def default(self) -> SavedView | None:
        """The one that the fleet opens with, if the member chose one that still exists."""
        pk = preference(self.membership.user, self.preference_name)
        return next((view for view in self.rows if view.pk == pk), None)

    @property
    def preference_name(self) -> str:
        """The name of the member's preference."""
        return f"view {self.membership.workspace_id}"

    def set_default(self, view: SavedView | None) -> None:
        """Open the fleet with `view`; with None, with everything."""
        set_preferences(self.membership.user, **{self.preference_name: view.pk if view else None})

    def save(self, *, name: str, query: str, is_shared: bool) -> SavedView | None:
        """Save filters under a name, in place of an own view of that name; None when there are too many."""
        member = self.membership
        own = SavedView.objects.filter(workspace=member.workspace_id, owner=member.user_id, page=self.page)
        if own.exclude(name=name).count() >= MOST_VIEWS:
            return None
        values: dict[str, Any] = {"query": kept_query(query, self.page), "is_shared": is_shared}
        with transaction.atomic():
            view, _ = SavedView.objects.update_or_create(
                workspace=member.workspace, owner=member.user, page=self.page, name=name, defaults=values
            )
            bump_revision(member.workspace_id)
        return view

    def remove(self, view: SavedView) -> None:
        """Remove a view."""
        with transaction.atomic():
            view.delete()
            bump_revision(self.membership.workspace_id)

    def may_remove(self, view: SavedView) -> bool:
        """Return whether the member may remove a view: their own, or any shared one as a manager."""
        return view.owner_id == self.membership.user_id or is_enough(self.membership.role, Role.MANAGER)


def kept_query(query: str, page: str = FLEET) -> str:
    """Return the filters of a page in a query string, without what belongs to one answer or is not known."""
    given, kept = QueryDict(query.removeprefix("?")), QueryDict(mutable=True)
    for name in KEPT[page]:
        if value := given.get(name):
            kept[name] = value
    text: str = kept.urlencode()
    return text
