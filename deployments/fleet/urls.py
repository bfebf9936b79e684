"""Addresses of the fleet room."""

from django.urls import path

from deployments.fleet import views

app_name = "fleet"
urlpatterns = [
    path("w/<slug:workspace>/", views.fleet, name="list"),
    path("w/<slug:workspace>/strip/", views.strip, name="strip"),
    path("w/<slug:workspace>/sync/", views.sync_now, name="sync"),
    path("w/<slug:workspace>/deployments/", views.redirect_to_fleet, name="deployments"),
    path("w/<slug:workspace>/deployments/<deployment_id:deployment_id>/", views.detail, name="detail"),
]
