"""What the palette finds: actions, deployments, pages and people, by what a person types."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deployments.fleet.models import Deployment, DeploymentQuerySet
from deployments.fleet.page import may_act
from deployments.ledger.kinds import ON_EXISTING, Kind, is_possible
from deployments.workspaces.models import Membership

MOST_DEPLOYMENTS, MOST_PEOPLE = 8, 5
LONGEST_TEXT = 100
PAGES = (  # label, name of the address, whether it belongs to a workspace
    (gettext_lazy("Fleet"), "fleet:list", True),
    (gettext_lazy("Activity"), "activity:feed", True),
    (gettext_lazy("Logs"), "logs:fleet", True),
    (gettext_lazy("Operations"), "operations:list", True),
    (gettext_lazy("Team"), "team:people", True),
    (gettext_lazy("Keys"), "keys:list", False),
    (gettext_lazy("Profile"), "accounts:profile", False),
)
ADMINISTRATOR_PAGES = (
    (gettext_lazy("System"), "system:page", False),
    (gettext_lazy("People"), "accounts:people", False),
    (gettext_lazy("Audit log"), "activity:trail", False),
)


@dataclass(frozen=True)
class Found:
    """One entry of the palette."""

    label: str
    url: str
    hint: str = ""


@dataclass(frozen=True)
class Palette:
    """The entries for what a member typed, by section. Sections without an entry are left out."""

    membership: Membership
    text: str

    @property
    def sections(self) -> list[tuple[str, list[Found]]]:
        """Return (heading, entries)."""
        found = (
            (_("Actions"), self.actions),
            (_("Deployments"), self.deployments),
            (_("Pages"), self.pages),
            (_("People"), self.people),
        )
        return [(heading, entries) for heading, entries in found if entries]

    @property
    def actions(self) -> list[Found]:
        """What the person can do: a typed verb leads to the confirmation for each deployment it fits."""
        if not may_act(self.membership):
            return []
        slug, found = self.membership.workspace.slug, []
        if self.text.lower() in _("new deployment") or self.text.lower() in "create deployment":
            found.append(Found(_("New deployment"), reverse("operations:new", args=[slug])))
        verb, _space, rest = self.text.partition(" ")
        kinds = [kind for kind in ON_EXISTING if len(verb) > 1 and kind.startswith(verb.lower())]
        for kind in kinds:
            found += [self.action_on(one, kind) for one in self.matching(rest.strip()) if fits(kind, one)]
        return found

    def action_on(self, deployment: Deployment, kind: Kind) -> Found:
        """Return the entry that leads to the confirmation of `kind` for a deployment."""
        url = f"{deployment.get_absolute_url()}{kind}/"
        return Found(f"{kind.facts.label} {deployment.deployment_name}", url, deployment.status)

    @property
    def deployments(self) -> list[Found]:
        """The first deployments whose name, creator or address contains the text; nothing for no text."""
        if not self.text:
            return []
        return [
            Found(one.deployment_name, one.get_absolute_url(), one.status) for one in self.matching(self.text)
        ]

    def matching(self, text: str) -> Iterable[Deployment]:
        """Return the first live deployments that contain `text`, by name."""
        rows: DeploymentQuerySet = Deployment.objects.filter(workspace=self.membership.workspace).live()
        if text:
            rows = rows.filter(
                Q(deployment_name__icontains=text)
                | Q(creator_email__icontains=text)
                | Q(domain__icontains=text)
            )
        shown = list(rows.order_by("deployment_name", "pk")[:MOST_DEPLOYMENTS])
        for one in shown:
            one.workspace = self.membership.workspace  # loaded already: the address needs its slug
        return shown

    @property
    def pages(self) -> list[Found]:
        """The pages whose name contains the text."""
        slug, user = self.membership.workspace.slug, self.membership.user
        pages = (*PAGES, *ADMINISTRATOR_PAGES) if user.is_administrator else PAGES
        return [
            Found(str(label), reverse(name, args=[slug] if is_of_workspace else []))
            for label, name, is_of_workspace in pages
            if self.text.lower() in label.lower()
        ]

    @property
    def people(self) -> list[Found]:
        """The members whose name or e-mail contains the text; an entry leads to what they did."""
        if not self.text:
            return []
        workspace = self.membership.workspace
        rows = workspace.memberships.current().select_related("user")  # type: ignore[attr-defined]
        rows = rows.filter(Q(user__name__icontains=self.text) | Q(user__email__icontains=self.text))
        feed = reverse("activity:feed", args=[workspace.slug])
        return [
            Found(one.user.name, f"{feed}?{urlencode({'actor': one.user_id})}", one.user.email)
            for one in rows.order_by("user__name")[:MOST_PEOPLE]
        ]


def fits(kind: Kind, deployment: Deployment) -> bool:
    """Return whether `kind` is possible for a deployment as it is reported."""
    return is_possible(kind, deployment.status)
