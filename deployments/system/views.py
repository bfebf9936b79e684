"""The System page, for administrators."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from deployments.system.page import system_context
from portal.accounts.guard import administrator_required
from portal.clock import now
from portal.web.fragments import page_or_part


@require_safe
@administrator_required
def system(request: HttpRequest) -> HttpResponse:
    """Show whether each part is well. The page polls this address for its region."""
    return page_or_part(
        request,
        "system/system.html",
        system_context(now=now()),
        part="system/_system.html",
        region="system",
    )
