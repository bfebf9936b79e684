"""The rows of the fleet's table as HTML. Python writes them: there are many, and templates are slower."""

import html
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial

from django.template.defaultfilters import floatformat
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from deployments.fleet.rows import Row
from deployments.fleet.status_cell import StatusCell
from deployments.ledger.kinds import READY
from deployments.workspaces.models import Workspace
from portal.web.elements import age, copy_element, icon, status_icon, time_ago, time_left

escape = lru_cache(maxsize=20_000)(html.escape)  # names and words are written again and again


def table_rows(
    rows: Iterable[Row], *, columns: Sequence[str], may_act: bool, workspace: Workspace
) -> SafeString:
    """Return the rows as <tr> elements. `columns` are those that the person chose, of look.COLUMNS.

    With `may_act`, the person can change deployments: rows can be selected and have a button.
    """
    writer = RowWriter(columns, may_act=may_act, workspace=workspace)
    return mark_safe("\n".join(map(writer.row, rows)))  # noqa: S308 - each value is escaped below


class RowWriter:
    """Writes rows for one person. What is the same in all rows is made once."""

    def __init__(self, columns: Sequence[str], *, may_act: bool, workspace: Workspace) -> None:
        self.may_act, self.workspace = may_act, workspace
        self.label = cache(lambda kind: escape(str(kind.facts.label)))
        self.credits_text = cache(partial(floatformat, arg=-2))
        self.more, self.help = icon("more"), icon("help")
        self.copy, self.copy_what = _("Copy"), _("Copy %(what)s")
        self.select, self.more_actions = _("Select %(name)s"), _("More actions on %(row_name)s")
        self.no_price = _("The settings have no price of this machine type")
        self.not_seen, self.not_known = _("The portal did not see it start"), _("not known")
        cells: dict[str, Callable[[Row], str]] = {
            "replicas": lambda row: f'<td class="replicas">{escape(row.replicas)}</td>',
            "machine": lambda row: f'<td class="machine">{escape(row.machine_type)}</td>',
            "cost": self.cost_cell,
            "version": version_cell,
            "creator": creator_cell,
            "expiry": self.expiry_cell,
            "request": request_cell,
            "strip": strip_cell,
        }
        self.cells = [cells[column] for column in columns if column in cells]

    def row(self, row: Row) -> str:
        """Return one row."""
        begin = f'<tr id="{row.id}" data-can="{row.possible_words}"{attributes_of(row)}>'
        cells = [write(row) for write in self.cells]
        return "".join(
            [
                begin,
                self.choose_cell(row),
                self.name_cell(row),
                self.state_cell(row),
                *cells,
                self.actions_cell(row),
                "</tr>",
            ]
        )

    def choose_cell(self, row: Row) -> str:
        """Return the cell with the box that selects the row, for those who can act."""
        if not self.may_act:
            return ""
        if not (one := row.deployment):
            return '<td class="choose"></td>'
        label = escape(self.select % {"name": row.name})
        return (
            f'<td class="choose"><input type="checkbox" form="bulk" id="choose-{one.pk}" data-select'
            f' name="deployment" value="{escape(one.deployment_id)}" aria-label="{label}"></td>'
        )

    def name_cell(self, row: Row) -> str:
        """Return the cell with the name and the address, which can be copied."""
        one, domain, host = row.deployment, "", ""
        if one:
            domain = escape(one.domain)
            if name := one.host_name:
                host = copy_element(name, title=self.copy, label=self.copy_what % {"what": name})
        return (
            f'<td class="name"><a class="ellipsis" href="{escape(row.url)}">{escape(row.name)}</a>'
            f'<span class="second"><span class="ellipsis mono">{domain}</span>{host}</span></td>'
        )

    def state_cell(self, row: Row) -> str:
        """Return the cell with the status, and who brought it about and when."""
        cell = row.cell
        unknown = self.help if cell.is_unknown_word else ""
        hover = f' title="{escape(cell.hover)}"' if cell.hover else ""
        return (
            f'<td class="state"><span class="status is-{escape(cell.look)}">{status_icon(cell.look)}'
            f"<span>{escape(cell.text)}</span>{unknown}</span>"
            f'<span class="second"{hover}>{self.second_line(row, cell)}</span></td>'
        )

    def second_line(self, row: Row, cell: StatusCell) -> str:
        """Return the second line of a status: what can be done about a failure, or who and when."""
        if row.is_unsuccessful:
            context = {
                "row": row,
                "operation": row.operation,
                "may_act": self.may_act,
                "workspace": self.workspace,
            }
            return render_to_string("fleet/_unsuccessful.html", context)
        text = f"{escape(cell.before)} {age(cell.at)}"
        if row.operation:
            return f'<a href="{row.operation.get_absolute_url()}">{text}</a>'
        return f"{text} {escape(cell.after)}"

    def cost_cell(self, row: Row) -> str:
        """Return the cell with the credits per hour."""
        if row.credits is not None:
            return f'<td class="cost" data-cost>{self.credits_text(row.credits)}</td>'
        if row.deployment and row.deployment.status == READY:
            return f'<td class="cost"><span title="{escape(self.no_price)}">?</span></td>'
        return '<td class="cost">-</td>'

    def expiry_cell(self, row: Row) -> str:
        """Return the cell with the time that is left."""
        if row.is_expiry_unknown:
            text = f'<span class="muted" title="{escape(self.not_seen)}">{escape(self.not_known)}</span>'
        else:
            text = time_left(row.expires_at)
        return f'<td class="expiry">{text}</td>'

    def actions_cell(self, row: Row) -> str:
        """Return the cell with the button, for those who can act, and the menu."""
        button, kind = "", row.button
        if self.may_act and kind and row.deployment:
            busy = ' aria-busy="true"' if row.is_busy else ""
            button = (
                f'<button class="button button-small act" type="submit" form="act"'
                f' id="act-{row.deployment.pk}" formaction="{escape(row.url)}{kind}/"{busy}>'
                f'{self.label(kind)}<span class="visually-hidden"> {escape(row.name)}</span></button>'
            )
        label = escape(self.more_actions % {"row_name": row.name})
        return (
            f'<td class="actions">{button}<a class="button-icon" href="{escape(row.url)}" data-menu'
            f' aria-label="{label}">{self.more}</a></td>'
        )


def attributes_of(row: Row) -> str:
    """Return what scripts and styles need to know of a row."""
    found, one = "", row.deployment
    if one:
        found += f' data-deployment="{escape(one.deployment_id)}" data-status="{escape(one.status)}"'
    if row.replaces:
        found += f' data-replaces="{row.replaces}"'
    return found + (' class="is-over"' if one and one.is_over else "")


def version_cell(row: Row) -> str:
    """Return the cell with the version of Inference."""
    version = escape(row.deployment.inference_version) if row.deployment else ""
    return f'<td class="version"><span class="ellipsis">{version}</span></td>'


def creator_cell(row: Row) -> str:
    """Return the cell with the e-mail address of the creator."""
    creator = escape(row.deployment.creator_email) if row.deployment else ""
    return f'<td class="creator"><span class="ellipsis" title="{creator}">{creator}</span></td>'


def request_cell(row: Row) -> str:
    """Return the cell with the time of the last request."""
    at = row.deployment.last_request_at if row.deployment else None
    return f'<td class="request">{time_ago(at) if at else ""}</td>'


def strip_cell(row: Row) -> str:
    """Return the cell with the last 24 hours as bars."""
    bars = "".join(
        f'<rect x="{part.x}" width="{part.width}" height="16" class="is-{escape(part.look)}"/>'
        for part in row.segments
    )
    return (
        '<td class="strip"><svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">'
        f"{bars}</svg></td>"
    )
