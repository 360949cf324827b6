"""The accounts' tables."""

from accounts.models.api_key import ApiKey
from accounts.models.profile import Profile
from accounts.models.session import Session
from accounts.models.subscription import Plan, Status, Subscription
from accounts.models.token_family import TokenFamily
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "Plan",
    "Profile",
    "Session",
    "Status",
    "Subscription",
    "TokenFamily",
    "User",
]
