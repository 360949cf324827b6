"""The app's routes, to be included at the site's root."""

from django.urls import path

from cache_platform import views

urlpatterns = [
    path("metrics", views.MetricsView.as_view(), name="metrics"),
    path("health", views.health_view, name="health"),
    path("health/live", views.live_view, name="health-live"),
    path("health/ready", views.ready_view, name="health-ready"),
    path("api/cache/stats", views.StatsView.as_view(), name="cache-stats"),
    path("api/cache/flush", views.FlushView.as_view(), name="cache-flush"),
    path("api/admin/cache-stats", views.AdminStatsView.as_view(), name="cache-stats-admin"),
]
