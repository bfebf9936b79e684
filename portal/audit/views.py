"""The whole trail, for administrators of the portal: sign-ins, invitations and settings too."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from portal.audit.export import record_export
from portal.audit.feed import COLUMNS, export_fields, feed_page, filter_choices, filter_events
from portal.audit.integrity import integrity_context
from portal.audit.models import Event, Head
from portal.queue.publish import publish
from portal.web.errors import Refused
from portal.web.export import export_response, wants_export
from portal.web.fragments import is_unchanged, nothing_new, page_or_part, redirect_page
from portal.web.limits import is_within_limit, too_often_page
from portal.web.next import safe_next

View = Callable[..., HttpResponseBase]


def administrator_required(view: View) -> View:
    """Guard a view that only administrators of the portal may see."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_administrator", False):
            raise Refused(needed="an administrator of the portal", who="an administrator")
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@administrator_required
def trail(request: HttpRequest) -> HttpResponseBase:
    """Everything that happened, newest first."""
    rev = str(Head.objects.filter(pk=1).values_list("sequence", flat=True).first() or 0)
    if is_unchanged(request, rev):
        return nothing_new()
    rows = filter_events(Event.objects.all(), request.GET)
    if wanted := wants_export(request):
        record_export(request, None, what="trail", format=wanted)
        found = (export_fields(one) for one in rows.order_by("-sequence").iterator(chunk_size=1000))
        return export_response(found, columns=COLUMNS, format=wanted, filename="trail")
    lines, following = feed_page(rows, cursor=request.GET.get("cursor"))
    context = {
        "lines": lines,
        "next": following,
        "rev": rev,
        "base": "/activity/",
        "show_workspace": True,
        **filter_choices(Event.objects.all()),
        **integrity_context(),
    }
    return page_or_part(request, "audit/trail.html", context, part="audit/_feed.html", region="feed")


@require_safe
@administrator_required
def entry(request: HttpRequest, sequence: int) -> HttpResponse:
    """One entry with every field."""
    event = Event.objects.filter(sequence=sequence).first()
    if event is None:
        raise Http404
    return render(request, "audit/entry.html", {"event": event, "back": "/activity/", "base": "/activity/"})


@require_POST
@login_required
def verify_now(request: HttpRequest) -> HttpResponse:
    """Ask a worker to verify the trail; the card shows what it finds."""
    if not is_within_limit(request, "verify"):
        return too_often_page(request, "The trail was just verified.")
    if publish("audit.verify", request.user.pk):
        messages.info(request, "The trail is being verified. The result shows on the integrity card.")
    else:
        messages.error(request, "No worker could be asked: the queue does not answer. Try again in a moment.")
    return redirect_page(request, safe_next(request, request.POST.get("next"), "/"))
