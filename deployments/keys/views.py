"""My API keys: add, check, replace, remove. A person sees only their own keys."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from deployments.keys.check import KeyNotSaved, add_key, remove_key, replace_key
from deployments.keys.forms import AddKeyForm, KeyForm
from deployments.keys.models import ApiKey
from deployments.keys.recheck import recheck_key
from deployments.keys.waiting import forget_waiting_key, keep_waiting_key, with_waiting_key
from deployments.roboflow.mask import Secret
from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page
from portal.web.limits import is_within_limit
from portal.web.next import safe_next

TOO_MANY = gettext_lazy("Too many key checks within a minute. Wait a minute and try again.")


def own_keys(request: HttpRequest) -> QuerySet[ApiKey]:
    """Return the keys of the person who is signed in. For other people's keys the views answer 404."""
    keys = ApiKey.objects.filter(user=cast(User, request.user))
    return keys.select_related("workspace", "user").order_by("workspace__name", "pk")


def key_cards(request: HttpRequest) -> list[dict[str, Any]]:
    """Return each own key with the names of the people who hold the same key in the same workspace."""
    return [{"key": key, "also": other_holders(key)} for key in own_keys(request)]


def other_holders(key: ApiKey) -> list[str]:
    """Return the names of the other current members of the key's workspace who have stored the same key."""
    if not key.workspace_id:
        return []
    members = Membership.objects.current().filter(workspace=key.workspace_id).values("user")
    same = ApiKey.objects.filter(workspace=key.workspace_id, fingerprint=key.fingerprint, user__in=members)
    return [str(other.user) for other in same.exclude(user=key.user_id).select_related("user")]


@login_required
@sensitive_post_parameters("api_key")
@sensitive_variables("form")
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Show a card for each key, and the form that adds one."""
    form = AddKeyForm(with_waiting_key(request) if request.method == "POST" else None)
    trouble = add_from_form(request, form) if form.is_valid() else None
    if form.is_bound and form.is_valid() and trouble is None:
        return redirect_page(request, safe_next(request, request.POST.get("next"), request.path))
    context = {
        "form": form,
        "cards": key_cards(request),
        "trouble": trouble,
        "memberships": Membership.objects.of_person(cast(User, request.user)),
    }
    return form_page(request, "keys/keys.html", context)


@sensitive_variables("form")
def add_from_form(request: HttpRequest, form: AddKeyForm) -> KeyNotSaved | None:
    """Add the key of a valid form. Return why it was not saved, also written beside the field, or None."""
    if not is_within_limit(request, "key_check"):
        form.add_error("api_key", TOO_MANY)
        return KeyNotSaved(str(TOO_MANY))
    try:
        key = add_key(
            user=cast(User, request.user),
            value=form.cleaned_data["api_key"],
            label=form.cleaned_data["label"],
            region=form.region_or_default,
            anyway="anyway" in request.POST,
            by=origin_of(request),
            now=now(),
        )
    except KeyNotSaved as error:
        form.add_error("api_key", error.reading)
        if error.may_save_anyway:
            keep_waiting_key(request, Secret(form.data["api_key"]))
        return error
    forget_waiting_key(request)
    if key.workspace:
        message = _("Key added: %(workspace)s is being read now.") % {"workspace": key.workspace}
    else:
        message = _("Saved unchecked. It joins its workspace as soon as Roboflow answers.")
    messages.success(request, message)
    return None


@login_required
@sensitive_post_parameters("api_key")
@sensitive_variables("form")
@require_http_methods(["GET", "POST"])
def replace(request: HttpRequest, key_id: int) -> HttpResponse:
    """Replace a key by a new one. The old key stays until Roboflow says that the new one works."""
    key = get_object_or_404(own_keys(request).exclude(workspace=None), pk=key_id)
    form = KeyForm(request.POST or None, initial={"label": key.label})
    trouble = None
    if form.is_valid():
        trouble = replace_from_form(request, key, form)
        if trouble is None:
            messages.success(
                request, _("The key for %(workspace)s is replaced.") % {"workspace": key.workspace}
            )
            return redirect_page(request, "/keys/")
    return form_page(request, "keys/replace.html", {"form": form, "key": key, "trouble": trouble})


@sensitive_variables("form")
def replace_from_form(request: HttpRequest, key: ApiKey, form: KeyForm) -> KeyNotSaved | None:
    """Replace `key` by the form's. Return why it was not saved, also written beside the field, or None."""
    if not is_within_limit(request, "key_check"):
        form.add_error("api_key", TOO_MANY)
        return KeyNotSaved(str(TOO_MANY))
    try:
        replace_key(
            key,
            value=form.cleaned_data["api_key"],
            label=form.cleaned_data["label"],
            by=origin_of(request),
            now=now(),
        )
    except KeyNotSaved as error:
        form.add_error("api_key", error.reading)
        return error
    return None


@login_required
@require_POST
def check_now(request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask Roboflow now whether a stored key works."""
    key = get_object_or_404(own_keys(request), pk=key_id)
    if not is_within_limit(request, "key_check"):
        messages.error(request, TOO_MANY)
        return redirect_page(request, "/keys/")
    try:
        recheck_key(key, by=origin_of(request), now=now())
        messages.success(request, _("Roboflow says that the key works."))
    except KeyNotSaved as error:
        messages.error(request, f"{error.reading} {error.upstream_text}".strip())
    return redirect_page(request, "/keys/")


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, key_id: int) -> HttpResponse:
    """Show what stops working without the key, then remove it."""
    key = get_object_or_404(own_keys(request), pk=key_id)
    if request.method == "POST":
        remove_key(key, by=origin_of(request), now=now())
        messages.success(request, _("The key is removed."))
        return redirect_page(request, "/keys/")
    is_last_reader = (
        key.workspace is not None and not ApiKey.objects.readers(key.workspace).exclude(pk=key.pk).exists()
    )
    return form_page(request, "keys/remove.html", {"key": key, "last_reader": is_last_reader})
