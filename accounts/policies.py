"""What is cached of the accounts, and which changes supersede it."""

from __future__ import annotations

import math

from django.contrib.auth.models import Group, Permission

from accounts.grants import KeyGrant, TokenGrant
from accounts.identity import Identity
from accounts.models import ApiKey, Profile, Session, Subscription, TokenFamily, User
from accounts.schema import ProfileState, SessionState, SubscriptionState
from cache_platform import CachePolicy, register, tags_of

# Whatever can end or change what a user may do stands under these two tags.
CREDENTIALS = ("credentials:{user_id}", "permissions")

SUBSCRIPTION = register(
    CachePolicy(
        name="accounts.subscription",
        description="A user's plan, its status, limits and usage.",
        schema=SubscriptionState,
        params={"user_id": int},
        tags=("user:{user_id}", "subscription:{user_id}"),
        ttl=300,
    )
)

PROFILE = register(
    CachePolicy(
        name="accounts.profile",
        description="A user's profile.",
        schema=ProfileState,
        params={"user_id": int},
        tags=("user:{user_id}", "profile:{user_id}"),
        ttl=600,
    )
)

USER = register(
    CachePolicy(
        name="accounts.user",
        description="Who a signed-in user is, and the user's permissions.",
        schema=Identity,
        params={"user_id": int},
        tags=CREDENTIALS,
        ttl=300,
    )
)

SESSION = register(
    CachePolicy(
        name="accounts.session",
        description="A browser's session, under an HMAC of its key; what it holds is signed.",
        schema=SessionState,
        params={"session": str},
        tags=("session:{session}",),
        ttl=300,
        until=lambda session: session.expires,
    )
)

JWT = register(
    CachePolicy(
        name="auth.jwt",
        description="Whose an access token is, as long as it is not revoked; under an HMAC of the token.",
        schema=TokenGrant,
        params={"user_id": int, "token": str},
        secret_params=frozenset({"token"}),
        tags=CREDENTIALS,
        ttl=900,
        ttl_variable="AUTH_CACHE_TTL",
        until=lambda grant: grant.expires,
    )
)

API_KEY = register(
    CachePolicy(
        name="auth.api_key",
        description="Whose an API key is and what it may do, as long as it is not revoked; under an HMAC of the key.",
        schema=KeyGrant,
        params={"user_id": int, "key": str},
        secret_params=frozenset({"key"}),
        tags=CREDENTIALS,
        ttl=600,
        ttl_variable="API_KEY_CACHE_TTL",
        until=lambda grant: math.inf if grant.expires is None else grant.expires,
    )
)

tags_of(User, "credentials:{id}", "user:{id}", ignoring=("last_login",))
tags_of(User.groups.through, "credentials:{user_id}")
tags_of(User.user_permissions.through, "credentials:{user_id}")
tags_of(Group, "permissions")
tags_of(Group.permissions.through, "permissions")
tags_of(Permission, "permissions")
tags_of(Profile, "profile:{user_id}")
tags_of(Subscription, "subscription:{user_id}")
tags_of(Session, "session:{session_key}", ignoring=("last_seen",))
# What a refresh writes ends no access token, and a use ends no key.
tags_of(TokenFamily, "credentials:{user_id}", ignoring=("refresh_digest", "last_used_at", "expires_at"))
tags_of(ApiKey, "credentials:{user_id}", ignoring=("last_used_at",))
