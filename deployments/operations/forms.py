"""Forms that request a change. They refuse only what Roboflow certainly would; Roboflow decides the rest."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deployments.fleet.models import Deployment
from deployments.workspaces.models import Workspace
from portal.web.fields import KeyFreeCharField, KeyFreeEmailField, KeyFreeRegexField, OneLineField

NAME_RULE = r"[a-z][a-z0-9-]{4,14}"  # source: Roboflow's Python client
VERSION_RULE = r"latest|\d{1,4}\.\d{1,4}\.\d{1,4}([.-]?[a-z0-9.]{1,20})?"
MAX_REASON = 1000
PARAMETERS = (  # the fields of POST /add
    "deployment_name",
    "machine_type",
    "creator_email",
    "duration",
    "inference_version",
    "min_replicas",
    "max_replicas",
)
MAX_DURATION_HOURS = 24 * 365
MAX_REPLICAS = 1000
OLDEST_VERSION = (0, 16)  # source: Roboflow's documentation


class ChangeForm(forms.Form):
    """The fields of every change: the reason, and the token by which a repeated post is recognised."""

    reason = OneLineField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        required=False,
        help_text=gettext_lazy("Why are you doing this? Everybody in the workspace can read it."),
    )
    form_token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class ConfirmNameForm(ChangeForm):
    """The confirmation of a change that removes a deployment: its typed name and a reason are required."""

    confirm_name = KeyFreeCharField(
        max_length=100,
        label=gettext_lazy("Type the name to confirm"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = OneLineField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("Why are you doing this? Everybody in the workspace can read it."),
    )
    field_order = ("confirm_name", "reason")

    def __init__(self, *args: Any, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deployment = deployment

    def clean_confirm_name(self) -> str:
        """Return the typed name. Raises ValidationError when it is not the deployment's."""
        typed: str = self.cleaned_data["confirm_name"].strip()
        if typed != self.deployment.deployment_name:
            raise forms.ValidationError(
                _("This is not the name. Type %(deployment_name)s.")
                % {"deployment_name": self.deployment.deployment_name}
            )
        return typed


class BatchForm(ChangeForm):
    """The confirmation of a batch. One that removes deployments requires a reason and the word `delete`."""

    confirm = KeyFreeCharField(
        required=False,
        max_length=20,
        label=gettext_lazy("Type delete to confirm"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, removes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if removes:
            self.fields["reason"].required = self.fields["confirm"].required = True
        else:
            del self.fields["confirm"]
        self.order_fields(["confirm", "reason"])

    def clean_confirm(self) -> str:
        """Return the typed word. Raises ValidationError when it is not `delete`."""
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != "delete":
            raise forms.ValidationError(_("Type the word delete."))
        return typed


class NewDeploymentForm(ChangeForm):
    """The parameters of a new deployment. The fields have the names that POST /add uses."""

    deployment_name = KeyFreeRegexField(
        rf"\A{NAME_RULE}\Z",
        label=gettext_lazy("Name"),
        strip=True,
        max_length=100,
        error_messages={
            "invalid": gettext_lazy(
                "Use 5 to 15 lower-case letters, digits and hyphens, with a letter first."
            )
        },
        help_text=gettext_lazy("5 to 15 lower-case letters, digits and hyphens, with a letter first."),
        widget=forms.TextInput(
            attrs={"data-rule": NAME_RULE, "autocomplete": "off", "spellcheck": "false", "autofocus": True}
        ),
    )
    machine_type = forms.ChoiceField(label=gettext_lazy("Machine"), widget=forms.RadioSelect)
    creator_email = KeyFreeEmailField(
        label=gettext_lazy("Creator"),
        max_length=254,
        help_text=gettext_lazy("The e-mail address of a member of the workspace at Roboflow."),
    )
    duration = forms.FloatField(
        label=gettext_lazy("Expires after, in hours"),
        required=False,
        min_value=0.1,
        max_value=MAX_DURATION_HOURS,
        initial=3,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    inference_version = KeyFreeRegexField(
        rf"\A({VERSION_RULE})\Z",
        label=gettext_lazy("Version"),
        required=False,
        initial="latest",
        max_length=60,
        error_messages={"invalid": gettext_lazy("Write latest or a version such as 0.45.0.")},
        help_text=gettext_lazy("Write latest, or a version from 0.16.0 on."),
        widget=forms.TextInput(attrs={"list": "versions", "autocomplete": "off"}),
    )
    min_replicas = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_REPLICAS,
        label=gettext_lazy("Replicas, from"),
    )
    max_replicas = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_REPLICAS,
        label=gettext_lazy("to"),
    )
    field_order = (*PARAMETERS, "reason")

    def __init__(self, *args: Any, workspace: Workspace, types: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        field = self.fields["machine_type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in types]
        field.initial = types[0]

    def clean_deployment_name(self) -> str:
        """Return the name. Raises ValidationError while a live deployment has it."""
        name: str = self.cleaned_data["deployment_name"]
        same_name = Deployment.objects.filter(workspace=self.workspace, deployment_name=name)
        if same_name.live().exists():  # type: ignore[attr-defined]
            raise forms.ValidationError(_("A deployment with this name exists already."))
        return name

    def clean_inference_version(self) -> str:
        """Return the version. Raises ValidationError when it is older than any that Roboflow runs."""
        version: str = self.cleaned_data["inference_version"]
        if version and version != "latest" and version_order(version)[:2] < OLDEST_VERSION:
            raise forms.ValidationError(_("The oldest version that Roboflow runs is 0.16.0."))
        return version

    def clean(self) -> dict[str, Any]:
        """Refuse more minimal than maximal replicas."""
        cleaned = super().clean() or self.cleaned_data
        minimum, maximum = cleaned.get("min_replicas"), cleaned.get("max_replicas")
        if minimum is not None and maximum is not None and minimum > maximum:
            self.add_error("min_replicas", _("This is more than the maximum number of replicas."))
        return cleaned

    def known_values(self) -> dict[str, Any]:
        """Return the fields that are valid, or the first values of a form that nobody sent."""
        if self.is_bound:
            self.full_clean()
            return self.cleaned_data
        return {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of POST /add."""
        return self.parameters_of(self.cleaned_data)

    @staticmethod
    def parameters_of(values: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of POST /add: the filled-in fields that the machine type has."""
        other_types = {"dev-": ("min_replicas", "max_replicas"), "prod-": ("duration",)}
        machine_type = str(values.get("machine_type") or "")
        left_out = [
            name for start, names in other_types.items() for name in names if machine_type.startswith(start)
        ]
        return {
            name: values[name]
            for name in PARAMETERS
            if values.get(name) not in (None, "") and name not in left_out
        }


class ResolveForm(forms.Form):
    """A person's own account of how an operation ended."""

    reason = OneLineField(
        max_length=MAX_REASON,
        label=gettext_lazy("What happened"),
        help_text=gettext_lazy("What you found out, and how."),
    )


def known_versions(workspace: Workspace) -> list[str]:
    """Return `latest` and the inference versions seen in this workspace, newest first; at most 20."""
    seen = (
        Deployment.objects.filter(workspace=workspace)
        .exclude(inference_version="")
        .values_list("inference_version", flat=True)
        .distinct()
    )
    return ["latest", *sorted(set(seen) - {"latest"}, key=version_order, reverse=True)][:20]


def version_order(version: str) -> tuple[int, ...]:
    """Return the first three numbers of a version, to compare it by; a part that is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:3])
