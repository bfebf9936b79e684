"""My API keys: add, check, replace, remove. Everybody sees their own only."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from deployments.keys.check import KeyNotSaved, add_key, recheck_key, remove_key, replace_key
from deployments.keys.forms import AddKeyForm, KeyForm
from deployments.keys.models import ApiKey
from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.audit.origin import origin_of
from portal.web.fragments import form_page, redirect_page
from portal.web.limits import is_within_limit

TOO_MANY = "Too many key checks within a minute. Wait a minute and try again."


def own_keys(request: HttpRequest) -> QuerySet[ApiKey]:
    """Return the person's own keys: other people's do not exist here."""
    return (
        ApiKey.objects.filter(user=cast(User, request.user))
        .select_related("workspace", "user")
        .order_by("workspace__name", "pk")
    )


def key_cards(request: HttpRequest) -> list[dict[str, Any]]:
    """Return each key with those who hold the same one in the same workspace."""
    cards = []
    for key in own_keys(request):
        same = ApiKey.objects.filter(workspace=key.workspace_id, fingerprint=key.fingerprint).exclude(
            user=key.user_id
        )
        members = Membership.objects.current().filter(workspace=key.workspace_id).values("user")
        cards.append(
            {
                "key": key,
                "also": [str(one.user) for one in same.filter(user__in=members).select_related("user")]
                if key.workspace_id
                else [],
            }
        )
    return cards


@login_required
@sensitive_post_parameters("api_key")
@sensitive_variables("form")
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """A card per key, and the form for another one."""
    form = AddKeyForm(request.POST or None)
    trouble = save_form(request, form) if form.is_valid() else None
    if form.is_bound and form.is_valid() and trouble is None:
        return redirect_page(request, request.path)
    memberships = Membership.objects.of_person(cast(User, request.user))
    context = {"form": form, "cards": key_cards(request), "trouble": trouble, "memberships": memberships}
    return form_page(request, "keys/keys.html", context)


@sensitive_variables("form")
def save_form(request: HttpRequest, form: AddKeyForm) -> KeyNotSaved | None:
    """Add the key; return what went wrong, also written beside the field."""
    if not is_within_limit(request, "key_check"):
        form.add_error("api_key", TOO_MANY)
        return KeyNotSaved(TOO_MANY)
    data = form.cleaned_data
    try:
        key = add_key(
            user=cast(User, request.user),
            value=data["api_key"],
            label=data["label"],
            region=form.region_or_default,
            anyway="anyway" in request.POST,
            by=origin_of(request),
            now=now(),
        )
    except KeyNotSaved as trouble:
        form.add_error("api_key", trouble.reading)
        return trouble
    saved = (
        f"Key added: {key.workspace} is being read now."
        if key.workspace
        else "Saved unchecked. It joins its workspace as soon as Roboflow answers."
    )
    messages.success(request, saved)
    return None


@login_required
@sensitive_post_parameters("api_key")
@sensitive_variables("form")
@require_http_methods(["GET", "POST"])
def replace(request: HttpRequest, key_id: int) -> HttpResponse:
    """Put a new key in the place of an old one, which stays until the new one works."""
    key = get_object_or_404(own_keys(request).exclude(workspace=None), pk=key_id)
    form = KeyForm(request.POST or None, initial={"label": key.label})
    trouble = None
    if form.is_valid():
        trouble = replace_from_form(request, key, form)
        if trouble is None:
            messages.success(request, f"The key for {key.workspace} is replaced.")
            return redirect_page(request, "/keys/")
    return form_page(request, "keys/replace.html", {"form": form, "key": key, "trouble": trouble})


@sensitive_variables("form")
def replace_from_form(request: HttpRequest, key: ApiKey, form: KeyForm) -> KeyNotSaved | None:
    """Replace the key; return what went wrong, also written beside the field."""
    if not is_within_limit(request, "key_check"):
        form.add_error("api_key", TOO_MANY)
        return KeyNotSaved(TOO_MANY)
    try:
        replace_key(
            key,
            value=form.cleaned_data["api_key"],
            label=form.cleaned_data["label"],
            by=origin_of(request),
            now=now(),
        )
    except KeyNotSaved as trouble:
        form.add_error("api_key", trouble.reading)
        return trouble
    return None


@login_required
@require_POST
def check_now(request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask Roboflow about a stored key, now."""
    key = get_object_or_404(own_keys(request), pk=key_id)
    if not is_within_limit(request, "key_check"):
        messages.error(request, TOO_MANY)
        return redirect_page(request, "/keys/")
    try:
        recheck_key(key, by=origin_of(request), now=now())
        messages.success(request, "Roboflow says that the key works.")
    except KeyNotSaved as trouble:
        messages.error(request, f"{trouble.reading} {trouble.words}".strip())
    return redirect_page(request, "/keys/")


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, key_id: int) -> HttpResponse:
    """Say what stops working, then forget the key."""
    key = get_object_or_404(own_keys(request), pk=key_id)
    if request.method == "POST":
        remove_key(key, by=origin_of(request), now=now())
        messages.success(request, "The key is removed.")
        return redirect_page(request, "/keys/")
    last_reader = (
        key.workspace is not None and not ApiKey.objects.readers(key.workspace).exclude(pk=key.pk).exists()
    )
    return form_page(request, "keys/remove.html", {"key": key, "last_reader": last_reader})
