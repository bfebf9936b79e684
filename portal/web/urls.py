"""URLs of the web room."""

from django.urls import path
from django.views.generic import RedirectView

from portal.web import components, views

app_name = "web"
urlpatterns = [
    path("words.js", views.words, name="words"),
    path("theme/", views.theme, name="theme"),
    path("__components/", components.components, name="components"),
    path("favicon.ico", RedirectView.as_view(url="/static/img/icon.svg"), name="favicon"),
]
