"""The weather's routes."""

from django.urls import path

from weather import views

urlpatterns = [
    path("api/weather/current", views.CurrentWeatherView.as_view(), name="weather-current"),
    path("api/weather/forecast", views.ForecastView.as_view(), name="weather-forecast"),
    path("api/weather/places", views.PlacesView.as_view(), name="weather-places"),
]
