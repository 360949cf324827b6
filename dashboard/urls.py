"""The dashboard's routes."""

from django.urls import path

from dashboard import views

urlpatterns = [
    path("", views.page, name="dashboard"),
    path("cards/weather", views.weather_fragment, name="dashboard-weather"),
    path("cards/news", views.news_fragment, name="dashboard-news"),
    path("cards/platforms", views.platforms_fragment, name="dashboard-platforms"),
    path("cards/subscription", views.subscription_fragment, name="dashboard-subscription"),
    path("cards/places", views.places_fragment, name="dashboard-places"),
]
