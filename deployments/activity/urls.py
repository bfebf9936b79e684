"""URLs of the activity room: the trail of one workspace, and the whole trail for administrators."""

from django.urls import path

from deployments.activity import trail_views, views

app_name = "activity"
urlpatterns = [
    path("w/<slug:workspace>/activity/", views.feed, name="feed"),
    path("w/<slug:workspace>/activity/<int:sequence>/", views.entry, name="entry"),
    path(
        "w/<slug:workspace>/deployments/<deployment_id:deployment_id>/activity/",
        views.deployment_feed,
        name="deployment",
    ),
    path("activity/", trail_views.trail, name="trail"),
    path("activity/verify/", trail_views.verify_now, name="verify"),
    path("activity/<int:sequence>/", trail_views.trail_entry, name="trail_entry"),
]
