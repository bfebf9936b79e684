"""URLs of the logs room."""

from django.urls import path

from deployments.logs import views

app_name = "logs"
urlpatterns = [
    path("w/<slug:workspace>/deployments/<deployment_id:deployment_id>/logs/", views.log, name="deployment")
]
