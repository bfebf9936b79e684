"""URLs of the logs room."""

from django.urls import path

from deployments.logs import fleet_views, line_views, request_views, views

app_name = "logs"
urlpatterns = [
    path("w/<slug:workspace>/logs/", fleet_views.fleet_log, name="fleet"),
    path("w/<slug:workspace>/deployments/<deployment_id:deployment_id>/logs/", views.log, name="deployment"),
    path(
        "w/<slug:workspace>/deployments/<deployment_id:deployment_id>/requests/",
        request_views.requests_page,
        name="requests",
    ),
    path(
        "w/<slug:workspace>/deployments/<deployment_id:deployment_id>/logs/line/",
        line_views.line,
        name="line",
    ),
]
