"""Addresses of the keys room."""

from django.urls import path

from deployments.keys import views

app_name = "keys"
urlpatterns = [
    path("keys/", views.keys, name="list"),
    path("keys/<int:key_id>/replace/", views.replace, name="replace"),
    path("keys/<int:key_id>/check/", views.check_now, name="check"),
    path("keys/<int:key_id>/remove/", views.remove, name="remove"),
]
