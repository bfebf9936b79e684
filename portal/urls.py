"""The table of contents: one include per room, in the order of the rail."""

from django.urls import include, path

urlpatterns = [
    path("", include("portal.health.urls")),
    path("", include("portal.web.urls")),
    path("", include("portal.accounts.urls")),
    path("", include("deployments.workspaces.urls")),
    path("", include("deployments.operations.urls")),  # before fleet: deployments/new/ is no deployment
    path("", include("deployments.fleet.urls")),
    path("", include("deployments.logs.urls")),
    path("", include("deployments.activity.urls")),
    path("", include("deployments.keys.urls")),
    path("", include("deployments.team.urls")),
    path("", include("deployments.system.urls")),
]
handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.forbidden"
handler404 = "portal.web.errors.not_found"
handler429 = "portal.web.errors.too_many"  # allauth looks for it
handler500 = "portal.web.errors.server_error"
