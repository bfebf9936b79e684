"""What the page of a new deployment tells while a person types: a verdict on the name, cost, code."""

import json
import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour, number_text, plural_of, price_words
from deployments.fleet.status_cell import status_word
from deployments.operations.forms import NewDeploymentForm
from deployments.workspaces.models import Workspace

ADVISED_HOURS = 6  # source: Roboflow's page on dedicated deployments
DEFAULT_HOURS = 3  # what Roboflow takes without `duration`; source: its page on the HTTP API
KEY = "$ROBOFLOW_API_KEY"


@dataclass(frozen=True)
class CreateSummary:
    """The summary of what a form would ask for. Fields that are missing or wrong are left out."""

    verdict: str
    is_taken: bool
    cost: str
    gone_at: datetime | None  # about when it expires
    warning: str
    samples: list[tuple[str, str]]


def create_summary(form: NewDeploymentForm, *, now: datetime) -> CreateSummary:
    """Return the summary of a form, whether it is bound and valid or not."""
    values = form.known_values()
    name = str(values.get("deployment_name") or "")
    holder = live_deployment(form.workspace, typed_name(form))
    machine_type = str(values.get("machine_type") or "")
    hours = float(values.get("duration") or DEFAULT_HOURS)
    is_dev = machine_type.startswith("dev-")
    warning = ""
    if is_dev and hours > ADVISED_HOURS:
        warning = _("Roboflow's page says at most %(hours)s hours. It may refuse more.") % {
            "hours": ADVISED_HOURS
        }
    return CreateSummary(
        verdict=name_verdict(form.workspace, name, holder),
        is_taken=holder is not None,
        cost=cost_words(machine_type, hours=hours, replicas=int(values.get("min_replicas") or 1)),
        gone_at=now + timedelta(hours=min(hours, 24 * 365)) if is_dev else None,
        warning=warning,
        samples=request_samples(form.workspace, form.parameters_of(values)),
    )


def typed_name(form: NewDeploymentForm) -> str:
    """Return the name as it was typed: one that is taken is no valid value, but has a verdict."""
    return str(form.data.get("deployment_name", "") if form.is_bound else "").strip()


def live_deployment(workspace: Workspace, name: str) -> Deployment | None:
    """Return the live deployment with this name, or None."""
    same_name = Deployment.objects.filter(workspace=workspace, deployment_name=name)
    found: Deployment | None = same_name.live().first()  # type: ignore[attr-defined]
    return found


def name_verdict(workspace: Workspace, name: str, holder: Deployment | None) -> str:
    """Return what to say of a name: who has it, or which address it will have; "" without a valid name."""
    if holder:
        word = status_word(holder.status) or _("no status")
        return _("%(deployment_name)s exists (%(word)s, created by %(creator)s).") % {
            "deployment_name": holder.deployment_name,
            "word": word,
            "creator": holder.creator_email or _("nobody known"),
        }
    if not name:
        return ""
    host = urlsplit(public_address(workspace)).hostname
    return _("Its address will be %(name)s.%(host)s, with a suffix if somebody has that one.") % {
        "name": name,
        "host": host,
    }


def cost_words(machine_type: str, *, hours: float, replicas: int) -> str:
    """Return what the deployment will cost, in words."""
    if not machine_type:
        return _("The cost depends on the machine.")
    price = credits_per_hour(machine_type)
    if price is None:
        return _("Price unknown: the settings have none for %(machine_type)s.") % {
            "machine_type": machine_type
        }
    if machine_type.startswith("dev-"):
        words = ngettext(
            "%(credits)s credit - %(hours)s h", "%(credits)s credits - %(hours)s h", plural_of(price * hours)
        )
        return words % {"credits": number_text(price * hours), "hours": number_text(hours)}
    cost = price_words(price * max(1, replicas))
    if replicas > 1:
        words = _("%(cost)s for %(count)s replicas, until you pause or delete it")
        return words % {"cost": cost, "count": replicas}
    return _("%(cost)s, until you pause or delete it") % {"cost": cost}


def public_address(workspace: Workspace) -> str:
    """Return Roboflow's address for the workspace: its public one in place of one on this machine."""
    address: str = settings.ROBOFLOW_REGIONS.get(workspace.region, {}).get("deployments", "")
    is_here = urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1", None)
    public: str = settings.ROBOFLOW_PUBLIC_REGIONS.get(workspace.region, {}).get("deployments", "")
    return public if is_here else address


def request_samples(workspace: Workspace, parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (label, code) of the same request as curl, Roboflow's CLI and Python. The key is a variable.

    Source of the CLI's options: Roboflow's Python client 1.7.3.
    """
    url = f"{public_address(workspace)}/add"
    return [
        ("curl", curl_sample(url, parameters)),
        ("CLI", cli_sample(parameters)),
        ("Python", python_sample(url, parameters)),
    ]


def curl_sample(url: str, parameters: dict[str, Any]) -> str:
    """Return the request as curl. The body is a here-document, in which the shell fills in the key."""
    body = json.dumps({"api_key": KEY, **parameters}, indent=2)
    for special in ("\\", "$", "`"):  # a here-document interprets these
        body = body.replace(special, f"\\{special}")
    body = body.replace(f"\\{KEY}", KEY, 1)
    return f"curl {url} -H 'Content-Type: application/json' -d @- <<END\n{body}\nEND"


def cli_sample(parameters: dict[str, Any]) -> str:
    """Return the request for Roboflow's CLI, which reads the key from the environment."""
    words = ["roboflow deployment create", shlex.quote(str(parameters.get("deployment_name", "NAME")))]
    options = {
        "-m": "machine_type",
        "-e": "creator_email",
        "--duration": "duration",
        "--inference-version": "inference_version",
    }
    words += [
        f"{option} {shlex.quote(str(parameters[name]))}"
        for option, name in options.items()
        if name in parameters
    ]
    note = "# The CLI has no option for replicas.\n" if "max_replicas" in parameters else ""
    return note + " \\\n  ".join(words)


def python_sample(url: str, parameters: dict[str, Any]) -> str:
    """Return the request in Python."""
    lines = "".join(f"        {json.dumps(name)}: {value!r},\n" for name, value in parameters.items())
    return (
        "import os\n\nimport requests\n\n"
        f'response = requests.post(\n    "{url}",\n    json={{\n'
        f'        "api_key": os.environ["ROBOFLOW_API_KEY"],\n{lines}    }},\n)\n'
        "print(response.text)"
    )
