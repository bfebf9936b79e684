"""Addresses of the team room."""

from django.urls import path

from deployments.team import accept_views, views

app_name = "team"
urlpatterns = [
    path("w/<slug:workspace>/team/", views.people, name="people"),
    path("w/<slug:workspace>/team/<int:member_id>/role/", views.set_role, name="role"),
    path("w/<slug:workspace>/team/<int:member_id>/remove/", views.remove, name="remove"),
    path(
        "w/<slug:workspace>/team/invitations/<int:invitation_id>/withdraw/", views.withdraw, name="withdraw"
    ),
    path("invite/<str:token>/", accept_views.accept, name="accept"),
]
