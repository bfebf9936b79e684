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

from deployments.keys.check import NotSaved, add_key, check_again, remove_key, replace_key
from deployments.keys.forms import AddKeyForm, KeyForm
from deployments.keys.models import ApiKey
from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.audit.origin import origin_of
from portal.web.fragments import form_page, go
from portal.web.limits import within

TOO_MANY = "Too many key checks within a minute. Wait a minute and try again."


def keys_of(request: HttpRequest) -> QuerySet[ApiKey]:
    """Return the person's own keys: other people's do not exist here."""
    return (
        ApiKey.objects.filter(user=cast(User, request.user))
        .select_related("workspace", "user")
        .order_by("workspace__name", "pk")
    )


def cards_of(request: HttpRequest) -> list[dict[str, Any]]:
    """Return each key with those who hold the same one in the same workspace."""
    cards = []
    for key in keys_of(request):
        same = ApiKey.objects.filter(workspace=key.workspace_id, fingerprint=key.fingerprint).exclude(
            user=key.user_id
        )
        members = Membership.objects.standing().filter(workspace=key.workspace_id).values("user")
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
    trouble = save(request, form) if form.is_valid() else None
    if form.is_bound and form.is_valid() and trouble is None:
        return go(request, request.path)
    memberships = Membership.objects.of(cast(User, request.user))
    context = {"form": form, "cards": cards_of(request), "trouble": trouble, "memberships": memberships}
    return form_page(request, "keys/keys.html", context)


@sensitive_variables("form")
def save(request: HttpRequest, form: AddKeyForm) -> NotSaved | None:
    """Add the key; return what went wrong, also written beside the field."""
    if not within(request, "key_check"):
        form.add_error("api_key", TOO_MANY)
        return NotSaved(TOO_MANY)
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
    except NotSaved as trouble:
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
    key = get_object_or_404(keys_of(request).exclude(workspace=None), pk=key_id)
    form = KeyForm(request.POST or None, initial={"label": key.label})
    trouble = None
    if form.is_valid():
        trouble = put_in_place(request, key, form)
        if trouble is None:
            messages.success(request, f"The key for {key.workspace} is replaced.")
            return go(request, "/keys/")
    return form_page(request, "keys/replace.html", {"form": form, "key": key, "trouble": trouble})


@sensitive_variables("form")
def put_in_place(request: HttpRequest, key: ApiKey, form: KeyForm) -> NotSaved | None:
    """Replace the key; return what went wrong, also written beside the field."""
    if not within(request, "key_check"):
        form.add_error("api_key", TOO_MANY)
        return NotSaved(TOO_MANY)
    try:
        replace_key(
            key,
            value=form.cleaned_data["api_key"],
            label=form.cleaned_data["label"],
            by=origin_of(request),
            now=now(),
        )
    except NotSaved as trouble:
        form.add_error("api_key", trouble.reading)
        return trouble
    return None


@login_required
@require_POST
def check(request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask Roboflow about a stored key, now."""
    key = get_object_or_404(keys_of(request), pk=key_id)
    if not within(request, "key_check"):
        messages.error(request, TOO_MANY)
        return go(request, "/keys/")
    try:
        check_again(key, by=origin_of(request), now=now())
        messages.success(request, "Roboflow says that the key works.")
    except NotSaved as trouble:
        messages.error(request, f"{trouble.reading} {trouble.words}".strip())
    return go(request, "/keys/")


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, key_id: int) -> HttpResponse:
    """Say what stops working, then forget the key."""
    key = get_object_or_404(keys_of(request), pk=key_id)
    if request.method == "POST":
        remove_key(key, by=origin_of(request), now=now())
        messages.success(request, "The key is removed.")
        return go(request, "/keys/")
    last_reader = (
        key.workspace is not None and not ApiKey.objects.readers(key.workspace).exclude(pk=key.pk).exists()
    )
    return form_page(request, "keys/remove.html", {"key": key, "last_reader": last_reader})
