"""Addresses of the fleet room."""

from django.urls import path

from deployments.fleet import detail_views, heartbeat_views, palette_views, saved_views, views

app_name = "fleet"
urlpatterns = [
    path("w/<slug:workspace>/", views.fleet, name="list"),
    path("w/<slug:workspace>/heartbeat/", heartbeat_views.heartbeat, name="heartbeat"),
    path("w/<slug:workspace>/palette/", palette_views.palette, name="palette"),
    path("w/<slug:workspace>/look/", saved_views.change_look, name="look"),
    path("w/<slug:workspace>/views/", saved_views.save_view, name="save_view"),
    path("w/<slug:workspace>/views/<int:view_id>/", saved_views.change_view, name="change_view"),
    path("w/<slug:workspace>/sync/", heartbeat_views.read_now, name="sync"),
    path("w/<slug:workspace>/deployments/", views.redirect_to_fleet, name="deployments"),
    path("w/<slug:workspace>/deployments/<deployment_id:deployment_id>/", detail_views.detail, name="detail"),
]
