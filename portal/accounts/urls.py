"""URLs of the accounts room. The sign-in pages are allauth's."""

from django.urls import include, path
from django.views.generic import RedirectView

from portal.accounts import factor_views, people_views, views

own_urlpatterns = [
    path("setup/", views.setup, name="setup"),
    path("profile/", views.profile, name="profile"),
    path("accounts/2fa/recovery-codes/", factor_views.recovery_codes, name="recovery_codes"),
    path("people/", people_views.people_page, name="people"),
    path("people/<int:person_id>/<slug:change>/", people_views.change_person, name="change_person"),
    path("system/second-factor/", views.require_second_factor, name="require"),
]
urlpatterns = [
    path("", include((own_urlpatterns, "accounts"))),
    # A person keeps the e-mail that they were invited with, so allauth's page for changing it is not used.
    path("accounts/email/", RedirectView.as_view(pattern_name="accounts:profile"), name="account_email"),
    # Before allauth's pages of the same addresses and names.
    path("accounts/2fa/totp/activate/", factor_views.activate_totp, name="mfa_activate_totp"),
    path("accounts/2fa/webauthn/add/", factor_views.add_webauthn, name="mfa_add_webauthn"),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("accounts/", include("allauth.account.urls")),
]
