"""The connectors' routes of the API, to be included at the site's root.

`status`, `reset` and `callback` come before the names of platforms, which may not be called so.
"""

from django.urls import path

from connectors.rest.authorization import AuthorizeView
from connectors.rest.callback import CallbackView
from connectors.rest.changes import ConnectionView, ResetView
from connectors.rest.extraction import ExtractionJobView, ExtractView, SignatureView
from connectors.rest.states import ConnectionsView, StatusView

urlpatterns = [
    path("api/oauth-connections", ConnectionsView.as_view(), name="oauth-connections"),
    path("api/connectors/status/<int:user_id>", StatusView.as_view(), name="connectors-status"),
    path("api/connectors/reset/<int:user_id>", ResetView.as_view(), name="connectors-reset"),
    path("api/connectors/callback", CallbackView.as_view(), name="connectors-callback"),
    path("api/connectors/<slug:provider>/authorize", AuthorizeView.as_view(), name="connectors-authorize"),
    path("api/connectors/<slug:provider>/<int:user_id>", ConnectionView.as_view(), name="connectors-connection"),
    path("api/connectors/<slug:provider>/<int:user_id>/extract", ExtractView.as_view(), name="connectors-extract"),
    path("api/extraction-jobs/<uuid:job_id>", ExtractionJobView.as_view(), name="extraction-job"),
    path("api/signature/<int:user_id>", SignatureView.as_view(), name="signature"),
]
