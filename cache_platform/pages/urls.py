"""The pages' addresses, to be included at `admin/cache/`, before the admin's own."""

from django.urls import path

from cache_platform.pages.flush import choose, confirm
from cache_platform.pages.overview import overview
from cache_platform.pages.policy import policy_page

app_name = "cache_pages"

urlpatterns = [
    path("", overview, name="overview"),
    path("flush/", choose, name="flush"),
    path("flush/confirm/", confirm, name="flush-confirm"),
    path("<str:name>/", policy_page, name="policy"),
]
