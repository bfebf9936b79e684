"""Addresses of the system room."""

from django.urls import path

from deployments.system import views

app_name = "system"
urlpatterns = [path("system/", views.system, name="page")]
