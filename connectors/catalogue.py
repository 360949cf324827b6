"""The platforms that there are. Another one is one more definition here."""

from __future__ import annotations

from msgspec.structs import replace

from connectors.definitions import DataApi, Profile, Provider, Revocation

PLAYS = DataApi(
    url="https://api.spotify.com/v1/me/player/recently-played",
    kind="plays",
    items="items",
    item_id="played_at",  # a play has no id of its own, and one cannot listen to two things at once
    item_title=("track.name",),
    item_time=("played_at",),
    item_labels=("track.artists.name", "track.album.genres"),
    cursor_param="before",
    next_cursor="cursors.before",
    total="total",
)
EVENTS = DataApi(
    url="https://www.googleapis.com/calendar/v3/calendars/primary/events",
    kind="events",
    items="items",
    item_id="id",
    item_title=("summary",),
    item_time=("start.dateTime", "start.date"),
    item_labels=("categories",),
    cursor_param="pageToken",
    next_cursor="nextPageToken",
    size_param="maxResults",
    params={"singleEvents": "true"},
)
REPOSITORIES = DataApi(
    url="https://api.github.com/user/repos",
    kind="repositories",
    items="",
    item_id="id",
    item_title=("full_name", "name"),
    item_time=("pushed_at", "created_at"),
    item_labels=("language", "topics"),
    paging="number",
    cursor_param="page",
    size_param="per_page",
)
MESSAGES = DataApi(
    url="/platforms/chirper/api/messages",
    kind="messages",
    items="messages",
    item_id="id",
    item_title=("text",),
    item_time=("sent_at",),
    item_labels=("channel", "topics"),
    next_cursor="next_cursor",
    total="total",
)

DEFINITIONS = (
    Provider(
        slug="google",
        name="Google",
        description="Events of your calendar",
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
        revocation=Revocation(url="https://oauth2.googleapis.com/revoke", whole_grant=True),
        profile=Profile(url="https://openidconnect.googleapis.com/v1/userinfo", id="sub", name=("name", "email")),
        scopes=("openid", "email", "profile", "https://www.googleapis.com/auth/calendar.readonly"),
        # Without the first it gives no refresh token, without the second none to those who agreed before.
        authorize_params={"access_type": "offline", "prompt": "consent"},
        client_auth="client_secret_post",
        data=EVENTS,
    ),
    Provider(
        slug="github",
        name="GitHub",
        description="Your repositories",
        authorize_url="https://github.com/login/oauth/authorize",
        token_url="https://github.com/login/oauth/access_token",  # noqa: S106  # an address
        revocation=Revocation(
            url="https://api.github.com/applications/{client_id}/token", style="github", takes="access"
        ),
        profile=Profile(url="https://api.github.com/user", id="id", name=("name", "login")),
        scopes=("read:user",),  # public repositories; there is no scope that only reads private ones
        scope_separator=",",
        client_auth="client_secret_post",
        data=REPOSITORIES,
    ),
    Provider(
        slug="spotify",
        name="Spotify",
        description="What you listened to",
        authorize_url="https://accounts.spotify.com/authorize",
        token_url="https://accounts.spotify.com/api/token",  # noqa: S106  # an address
        profile=Profile(url="https://api.spotify.com/v1/me", id="id", name=("display_name", "id")),
        scopes=("user-read-recently-played",),
        data=PLAYS,
    ),
    Provider(
        slug="tunebox",
        name="Tunebox",
        description="What you listened to",
        sandbox=True,
        authorize_url="/oauth/tunebox/authorize",
        token_url="/oauth/tunebox/token",  # noqa: S106  # an address
        issuer="/oauth/tunebox",
        profile=Profile(url="/platforms/tunebox/v1/me", id="id", name=("display_name", "id")),
        scopes=("user-read-recently-played",),
        data=replace(PLAYS, url="/platforms/tunebox/v1/me/player/recently-played", item_id="id"),
    ),
    Provider(
        slug="daybook",
        name="Daybook",
        description="Events of your calendar",
        sandbox=True,
        authorize_url="/oauth/daybook/authorize",
        token_url="/oauth/daybook/token",  # noqa: S106  # an address
        issuer="/oauth/daybook",
        revocation=Revocation(url="/oauth/daybook/revoke"),
        profile=Profile(url="/platforms/daybook/oauth2/v3/userinfo", id="sub", name=("name", "email")),
        scopes=("openid", "email", "calendar.readonly"),
        authorize_params={"access_type": "offline", "prompt": "consent"},
        client_auth="client_secret_post",
        data=replace(EVENTS, url="/platforms/daybook/calendar/v3/calendars/primary/events"),
    ),
    Provider(
        slug="codeyard",
        name="Codeyard",
        description="Your repositories",
        sandbox=True,
        authorize_url="/oauth/codeyard/authorize",
        token_url="/oauth/codeyard/token",  # noqa: S106  # an address
        issuer="/oauth/codeyard",
        revocation=Revocation(url="/oauth/codeyard/applications/{client_id}/token", style="github", takes="access"),
        profile=Profile(url="/platforms/codeyard/user", id="id", name=("name", "login")),
        scopes=("read:user",),
        scope_separator=",",
        client_auth="client_secret_post",
        data=replace(REPOSITORIES, url="/platforms/codeyard/user/repos"),
    ),
    Provider(
        slug="chirper",
        name="Chirper",
        description="Your messages",
        sandbox=True,
        authorize_url="/oauth/chirper/authorize",
        token_url="/oauth/chirper/token",  # noqa: S106  # an address
        issuer="/oauth/chirper",
        revocation=Revocation(url="/oauth/chirper/revoke"),
        profile=Profile(url="/platforms/chirper/api/me", id="id", name=("name", "handle")),
        scopes=("messages.read", "offline_access"),
        data=MESSAGES,
    ),
)
