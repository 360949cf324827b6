"""The auras' routes of the API, to be included at the site's root."""

from django.urls import path

from auras.rest.views import AurasView, AuraView, CreateAuraView

urlpatterns = [
    path("api/auras", AurasView.as_view(), name="auras"),
    path("api/auras/create-agent-aura", CreateAuraView.as_view(), name="aura-create"),
    path("api/auras/<int:aura_id>", AuraView.as_view(), name="aura"),
]
