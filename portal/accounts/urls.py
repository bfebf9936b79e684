"""URLs of the accounts room. The sign-in pages are allauth's."""

from django.urls import include, path
from django.views.generic import RedirectView

from portal.accounts import views

own_urlpatterns = [
    path("setup/", views.setup, name="setup"),
    path("profile/", views.profile, name="profile"),
    path("system/second-factor/", views.require_second_factor, name="require"),
]
urlpatterns = [
    path("", include((own_urlpatterns, "accounts"))),
    # A person keeps the e-mail that they were invited with, so allauth's page for changing it is not used.
    path("accounts/email/", RedirectView.as_view(pattern_name="accounts:profile"), name="account_email"),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("accounts/", include("allauth.account.urls")),
]
