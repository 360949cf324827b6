"""The account's pages."""

from django.urls import path

from accounts.pages.api_keys import api_keys
from accounts.pages.overview import overview
from accounts.pages.password import password
from accounts.pages.sessions import sessions
from accounts.pages.sign_in import SignInView, SignOutView

app_name = "accounts"
urlpatterns = [
    path("", overview, name="overview"),
    path("login/", SignInView.as_view(), name="login"),
    path("logout/", SignOutView.as_view(), name="logout"),
    path("password/", password, name="password"),
    path("sessions/", sessions, name="sessions"),
    path("api-keys/", api_keys, name="api-keys"),
]
