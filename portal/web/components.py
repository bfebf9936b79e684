"""A page with every component in every state, for people who change the style sheets."""

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.web.statuses import STATUS_STYLES

SAMPLES = [("curl", "curl https://example.com"), ("Python", "print('the same')")]


class SampleForm(forms.Form):
    """A field that is right, one with a choice, and one that is wrong."""

    name = forms.CharField(max_length=5, help_text="At most five characters.")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], required=False)
    reason = forms.CharField(widget=forms.Textarea, required=False)


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Show the components. Answer 404 unless PORTAL_DEBUG is on."""
    if not settings.DEBUG:
        raise Http404
    context = {
        "statuses": list(STATUS_STYLES),
        "looks": sorted({look for _icon, look, _word in STATUS_STYLES.values()}),
        "samples": SAMPLES,
        "form": SampleForm({"name": "too long", "kind": "a"}),
    }
    return render(request, "web/components.html", context)
