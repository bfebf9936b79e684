"""Addresses of the audit room."""

from django.urls import path

from portal.audit import views

app_name = "audit"
urlpatterns = [
    path("activity/", views.trail, name="trail"),
    path("activity/verify/", views.verify_now, name="verify"),
    path("activity/<int:sequence>/", views.entry, name="entry"),
]
