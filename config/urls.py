"""Every route of the site."""

from django.contrib import admin
from django.urls import include, path

from config.docs import docs_view, explorer_view
from config.schema import schema_view

urlpatterns = [
    path("admin/cache/", include("cache_platform.pages.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.pages.urls")),
    path("connectors/", include("connectors.pages.urls")),
    path("assistant/", include("assistant.pages.urls")),
    path("", include("accounts.rest.urls")),
    path("", include("connectors.rest.urls")),
    path("", include("assistant.rest.urls")),
    path("", include("auras.rest.urls")),
    path("", include("cache_platform.urls")),
    path("", include("weather.urls")),
    path("", include("news.urls")),
    path("", include("dashboard.urls")),
    path("api/schema", schema_view, name="schema"),
    path("api/docs", docs_view, name="docs"),
    path("api/docs/try", explorer_view, name="docs-try"),
]

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
