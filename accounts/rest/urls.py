"""The accounts' routes of the API, to be included at the site's root."""

from django.urls import path

from accounts.rest import api_keys, passwords, tokens
from accounts.rest.profile import ProfileView
from accounts.rest.subscription import SubscriptionView

urlpatterns = [
    path("api/profile", ProfileView.as_view(), name="profile"),
    path("api/subscription", SubscriptionView.as_view(), name="subscription"),
    path("api/auth/token", tokens.TokenView.as_view(), name="auth-token"),
    path("api/auth/refresh", tokens.RefreshView.as_view(), name="auth-refresh"),
    path("api/auth/logout", tokens.LogoutView.as_view(), name="auth-logout"),
    path("api/auth/password", passwords.PasswordView.as_view(), name="auth-password"),
    path("api/auth/api-keys", api_keys.KeysView.as_view(), name="api-keys"),
    path("api/auth/api-keys/<int:key_id>", api_keys.KeyView.as_view(), name="api-key"),
]
