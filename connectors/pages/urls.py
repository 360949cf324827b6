"""The connectors' pages."""

from django.urls import path

from connectors.pages.page import job_fragment, page

app_name = "connectors"
urlpatterns = [
    path("", page, name="page"),
    path("jobs/<uuid:job_id>/", job_fragment, name="job"),
]
