"""Forms that ask for a change. What is certain is refused here; what Roboflow decides is left to Roboflow."""

from typing import Any
from uuid import uuid4

from django import forms

from deployments.fleet.models import Deployment
from deployments.fleet.prices import KNOWN_TYPES
from deployments.workspaces.models import Workspace
from portal.web.fields import OneLineField

NAME_RULE = r"[a-z][a-z0-9-]{4,14}"  # Roboflow's client: 5 to 15 characters, a letter first
VERSION_RULE = r"latest|\d{1,4}\.\d{1,4}\.\d{1,4}([.-]?[a-z0-9.]{1,20})?"
MAX_REASON = 1000
PARAMETERS = (  # of /add, by Roboflow's field names
    "deployment_name",
    "machine_type",
    "creator_email",
    "duration",
    "inference_version",
    "min_replicas",
    "max_replicas",
)
MOST_HOURS, MOST_REPLICAS = 24 * 365, 1000


class ChangeForm(forms.Form):
    """What every form of a change has: why, and the mark that makes a double post one operation."""

    reason = OneLineField(max_length=MAX_REASON, required=False, help_text="For the trail: why.")
    form_token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class ConfirmNameForm(ChangeForm):
    """What removes a deployment asks for its name, typed, and for a reason."""

    confirm_name = forms.CharField(
        max_length=100,
        label="Type the name to confirm",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = OneLineField(max_length=MAX_REASON, help_text="For the trail: why.")
    field_order = ("confirm_name", "reason")

    def __init__(self, *args: Any, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deployment = deployment

    def clean_confirm_name(self) -> str:
        """The typed name must be the deployment's."""
        typed: str = self.cleaned_data["confirm_name"].strip()
        if typed != self.deployment.deployment_name:
            raise forms.ValidationError(f"This is not the name. Type {self.deployment.deployment_name}.")
        return typed


class BatchForm(ChangeForm):
    """The confirmation of a batch; deleting asks for a reason and for a word."""

    confirm = forms.CharField(
        required=False,
        max_length=20,
        label="Type delete to confirm",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, removes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if removes:
            self.fields["reason"].required = self.fields["confirm"].required = True
        else:
            del self.fields["confirm"]

    def clean_confirm(self) -> str:
        """The word is delete."""
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != "delete":
            raise forms.ValidationError("Type the word delete.")
        return typed


class NewDeploymentForm(ChangeForm):
    """A new deployment, by Roboflow's field names."""

    deployment_name = forms.RegexField(
        rf"\A{NAME_RULE}\Z",
        label="Name",
        strip=True,
        max_length=100,
        error_messages={
            "invalid": "Names have 5 to 15 characters: small letters, digits and hyphens, a letter first."
        },
        help_text="5 to 15 characters: small letters, digits, hyphens; a letter first. The address may get a suffix if it is taken.",
        widget=forms.TextInput(attrs={"data-rule": NAME_RULE, "autocomplete": "off", "spellcheck": "false"}),
    )
    machine_type = forms.ChoiceField(label="Machine type")
    creator_email = forms.EmailField(
        label="Creator", max_length=254, help_text="A member of the workspace at Roboflow."
    )
    duration = forms.FloatField(
        label="Duration (hours)",
        required=False,
        min_value=0.1,
        max_value=MOST_HOURS,
        initial=3,
        help_text="Of dev types: they expire afterwards. Roboflow names 6 hours as the longest; other types ignore it.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    inference_version = forms.RegexField(
        rf"\A({VERSION_RULE})\Z",
        label="Inference version",
        required=False,
        initial="latest",
        max_length=60,
        error_messages={"invalid": "Write latest or a version such as 0.45.0."},
        help_text="latest, or a version from 0.16.0 on.",
        widget=forms.TextInput(attrs={"list": "versions", "autocomplete": "off"}),
    )
    min_replicas = forms.IntegerField(
        required=False, min_value=0, max_value=MOST_REPLICAS, help_text="Of prod types."
    )
    max_replicas = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_REPLICAS, help_text="Of prod types."
    )
    field_order = (*PARAMETERS, "reason")

    def __init__(self, *args: Any, workspace: Workspace, types: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        field = self.fields["machine_type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in types]

    def clean_deployment_name(self) -> str:
        """A live deployment of this name is in the way; those gone are not."""
        name: str = self.cleaned_data["deployment_name"]
        if Deployment.objects.filter(workspace=self.workspace, deployment_name=name).live().exists():  # type: ignore[attr-defined]
            raise forms.ValidationError("There is a deployment of this name already.")
        return name

    def clean_inference_version(self) -> str:
        """Versions before 0.16.0 are not supported. Source: Roboflow's docs."""
        version: str = self.cleaned_data["inference_version"]
        if version and version != "latest" and tuple(map(int, version.split(".")[:2])) < (0, 16):
            raise forms.ValidationError("The oldest version that Roboflow runs is 0.16.0.")
        return version

    def clean(self) -> dict[str, Any]:
        """Replicas must make a range."""
        found = super().clean() or self.cleaned_data
        least, most = found.get("min_replicas"), found.get("max_replicas")
        if least is not None and most is not None and least > most:
            self.add_error("min_replicas", "The least number of replicas is above the largest.")
        return found

    def parameters(self) -> dict[str, Any]:
        """Return what `/add` is asked for: only what was filled in."""
        data = self.cleaned_data
        return {name: data[name] for name in PARAMETERS if data.get(name) not in (None, "")}


class ResolveForm(forms.Form):
    """A person says how it ended."""

    reason = OneLineField(
        max_length=MAX_REASON, label="What happened", help_text="What you found out, and how."
    )


def known_types(workspace: Workspace) -> list[str]:
    """Return the machine types to choose from: those seen here beside the ones that Roboflow documents."""
    seen = (
        Deployment.objects.filter(workspace=workspace)
        .exclude(machine_type="")
        .values_list("machine_type", flat=True)
        .distinct()
    )
    return list(dict.fromkeys([*KNOWN_TYPES, *sorted(seen)]))


def known_versions(workspace: Workspace) -> list[str]:
    """Return the inference versions seen here, newest first."""
    seen = (
        Deployment.objects.filter(workspace=workspace)
        .exclude(inference_version="")
        .values_list("inference_version", flat=True)
        .distinct()
    )
    return ["latest", *sorted(set(seen) - {"latest"}, key=version_order, reverse=True)][:20]


def version_order(version: str) -> tuple[int, ...]:
    """Return what versions are sorted by."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:3])
