"""The news' routes."""

from django.urls import path

from news import views

urlpatterns = [path("api/news", views.NewsView.as_view(), name="news")]
