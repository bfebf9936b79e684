"""The page of all people, for administrators: who they are, and the life of their accounts."""

from typing import cast

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts import people
from portal.accounts.factors import second_factors
from portal.accounts.guard import administrator_required
from portal.accounts.models import User
from portal.accounts.people import NotChanged
from portal.accounts.person_changes import WORDS, possible_changes
from portal.audit.origin import origin_of
from portal.clock import now
from portal.web.fragments import form_page, redirect_page
from portal.web.paging import keyset_page

PAGE_SIZE = 100


@require_safe
@administrator_required
def people_page(request: HttpRequest) -> HttpResponse:
    """Show everybody, by name, or those whose name or address contains `q`."""
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())
    found = User.objects.annotate(has_factor=Exists(second_factors().filter(user=OuterRef("pk"))))
    if text:
        found = found.filter(Q(name__icontains=text) | Q(email__icontains=text))
    page = keyset_page(found, cursor=request.GET.get("cursor"), size=PAGE_SIZE, fields=("name", "pk"))
    rows = [(person, [(name, WORDS[name]) for name in possible_changes(person)]) for person in page.rows]
    return form_page(request, "accounts/people.html", {"people": rows, "next": page.next, "q": text})


@require_http_methods(["GET", "POST"])
@administrator_required
def change_person(request: HttpRequest, person_id: int, change: str) -> HttpResponse:
    """Ask whether to make one change of people.CHANGES to a person; when that is confirmed, make it."""
    if change not in people.CHANGES:
        raise Http404
    person = get_object_or_404(User, pk=person_id)
    words = WORDS[change]
    if request.method == "GET":
        context = {
            "person": person,
            "words": words,
            "question": words.question.format(name=person),
            "effects": [effect.format(name=person) for effect in words.effects],
        }
        return form_page(request, "accounts/change_person.html", context)
    try:
        done = people.CHANGES[change](person, by=origin_of(request), now=now())
    except NotChanged as error:
        messages.error(request, str(error))
        return redirect_page(request, reverse("accounts:people"))
    if done is not False:
        messages.success(request, words.done.format(name=person))
    if person.pk == cast(User, request.user).pk and change in ("disable", "end-sessions"):
        return redirect_page(request, reverse("account_login"))
    return redirect_page(request, reverse("accounts:people"))
