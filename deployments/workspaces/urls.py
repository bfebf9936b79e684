"""Addresses of the workspaces room."""

from django.urls import path

from deployments.workspaces import views

app_name = "workspaces"
urlpatterns = [path("", views.home, name="home")]
