"""URLs of the operations room."""

from django.urls import path

from deployments.ledger.kinds import ON_EXISTING
from deployments.operations import batch_views, change_views, views

app_name = "operations"
urlpatterns = [
    path("w/<slug:workspace>/operations/", views.operations, name="list"),
    path("w/<slug:workspace>/operations/batch/", batch_views.batch, name="batch"),
    path("w/<slug:workspace>/batches/<uuid:batch_id>/", batch_views.batch_detail, name="batch_detail"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/", views.operation, name="detail"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/cancel/", views.cancel, name="cancel"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/check/", views.check_again, name="check"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/resolve/", views.resolve, name="resolve"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/dismiss/", views.dismiss, name="dismiss"),
    path("w/<slug:workspace>/operations/<uuid:operation_id>/again/", views.try_again, name="again"),
    path("w/<slug:workspace>/deployments/new/", change_views.new, name="new"),
    path("w/<slug:workspace>/deployments/new/summary/", change_views.new_summary, name="new_summary"),
    *(
        path(
            f"w/<slug:workspace>/deployments/<deployment_id:deployment_id>/{kind}/",
            change_views.change_view(kind),
            name=str(kind),
        )
        for kind in ON_EXISTING
    ),
]
