"""Addresses of the accounts room; the sign-in pages are allauth's."""

from django.urls import include, path
from django.views.generic import RedirectView

from portal.accounts import views

rooms = [
    path("setup/", views.setup, name="setup"),
    path("profile/", views.profile, name="profile"),
    path("system/second-factor/", views.require_second_factor, name="require"),
]
urlpatterns = [
    path("", include((rooms, "accounts"))),
    # People are known by the address that they were invited with.
    path("accounts/email/", RedirectView.as_view(pattern_name="accounts:profile"), name="account_email"),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("accounts/", include("allauth.account.urls")),
]
