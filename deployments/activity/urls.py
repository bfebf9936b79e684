"""Addresses of the activity room."""

from django.urls import path

from deployments.activity import views

app_name = "activity"
urlpatterns = [
    path("w/<slug:workspace>/activity/", views.feed, name="feed"),
    path("w/<slug:workspace>/activity/<int:sequence>/", views.entry, name="entry"),
]
