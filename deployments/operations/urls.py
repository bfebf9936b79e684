"""Addresses of the operations room."""

from django.urls import path

from deployments.operations import ask, views

app_name = "operations"
urlpatterns = [
    path("w/<slug:workspace>/operations/", views.operations, name="list"),
    path("w/<slug:workspace>/operations/batch/", ask.batch, name="batch"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/", views.operation, name="detail"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/cancel/", views.cancel_view, name="cancel"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/check/", views.check_view, name="check"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/resolve/", views.resolve_view, name="resolve"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/again/", views.try_again_view, name="again"),
    path("w/<slug:workspace>/deployments/new/", ask.new, name="new"),
    path("w/<slug:workspace>/deployments/<str:deployment_id>/pause/", ask.pause, name="pause"),
    path("w/<slug:workspace>/deployments/<str:deployment_id>/resume/", ask.resume, name="resume"),
    path("w/<slug:workspace>/deployments/<str:deployment_id>/delete/", ask.delete, name="delete"),
]
