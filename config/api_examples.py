"""Examples of what the API's routes take and give, by the names of their operations. Each fits its schema, as a test
checks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

NOON = "2026-01-31T12:00:00Z"
LATER = "2026-01-31T12:05:00Z"
SHA256 = "44647510631c98185d84603cb34a79e028914924a4a03db8ce04f7b49504486f"


def asked(body: object) -> OpenApiExample:
    """A body to send."""
    return OpenApiExample("request", value=body, request_only=True)


def answered(data: object, *, status: int = 200, **more: object) -> OpenApiExample:
    """An answer in its envelope; `more` stands beside `data`."""
    return bare({"success": True, "data": data, **more}, status=status)


def bare(body: object, *, status: int = 200) -> OpenApiExample:
    """An answer without an envelope."""
    return OpenApiExample("response", value=body, response_only=True, status_codes=[str(status)])


def read(data: object) -> OpenApiExample:
    """The answer of a cached read."""
    return answered(data, cached=True)


def page(*items: object, **more: object) -> dict[str, Any]:
    """A page of a list."""
    return {"items": list(items), "total": len(items), "page": 1, **more}


def refused(status: int, title: str, detail: str, *, kind: str = "about:blank", **more: object) -> OpenApiExample:
    """A problem (RFC 9457)."""
    return OpenApiExample(
        kind.rpartition(":")[2] if kind != "about:blank" else title.lower(),
        value={"type": kind, "title": title, "status": status, "detail": detail, **more},
        response_only=True,
        status_codes=[str(status)],
        media_type="application/problem+json",
    )


WEATHER_SOURCE = {
    "units": "metric",
    "source": "Open-Meteo",
    "attribution": "Weather data by Open-Meteo.com (CC BY 4.0)",
    "attribution_url": "https://open-meteo.com/",
}
PLACE = {"latitude": 52.52, "longitude": 13.42, "timezone": "Europe/Berlin", "utc_offset_seconds": 3600}
CURRENT = {
    **PLACE,
    "time": NOON,
    "temperature": 3.0,
    "apparent_temperature": -3.4,
    "humidity": 52,
    "precipitation": 0.0,
    "weather_code": 0,
    "description": "Clear sky",
    "is_day": True,
    "cloud_cover": 0,
    "pressure": 1015.8,
    "wind_speed": 18.9,
    "wind_direction": 204,
    "wind_gusts": 33.4,
    **WEATHER_SOURCE,
}
DAY = {
    "date": "2026-01-31",
    "weather_code": 0,
    "description": "Clear sky",
    "temperature_max": 4.1,
    "temperature_min": -1.3,
    "sunrise": "2026-01-31T06:47:00Z",
    "sunset": "2026-01-31T15:47:00Z",
    "precipitation_sum": 0.0,
    "precipitation_probability": 0,
    "wind_speed_max": 20.2,
    "uv_index_max": 0.91,
}
HOUR = {
    "time": NOON,
    "temperature": 1.7,
    "precipitation_probability": 0,
    "precipitation": 0.0,
    "weather_code": 0,
    "wind_speed": 16.9,
}
POTSDAM = {
    "id": 2852458,
    "name": "Potsdam",
    "country_code": "DE",
    "country": "Germany",
    "admin_area": None,
    "latitude": 52.39886,
    "longitude": 13.06566,
    "population": 184754,
}
ARTICLE = {
    "title": "New bridge opens in Houston after 4 years of delays",
    "url": "https://news.example/general/new-bridge-opens",
    "source": "Denver Ledger",
    "author": "Claire Dubreuil",
    "summary": "The first cars crossed it this morning.",
    "published": NOON,
}
NEWS_SOURCE = {"source": "NewsAPI", "attribution": "Headlines by NewsAPI", "attribution_url": "https://newsapi.org/"}
TOKENS = {"access": "eyJhbGciOiJIUzI1NiIs…", "refresh": "eyJhbGciOiJIUzI1NiIs…", "expires_in": 300}
KEY = {
    "id": 7,
    "prefix": "cpk_CahAARe0Bo",
    "name": "Backup script",
    "scopes": ["read"],
    "created_at": NOON,
    "expires_at": None,
    "last_used_at": None,
}
PROFILE = {"user_id": 42, "display_name": "Ada Lovelace", "avatar": "", "settings": {"theme": "dark"}}
COUNTED = {"chat_messages": 2000, "connections": 10, "documents": 30, "auras": 100}
SUBSCRIPTION = {
    "plan": "pro",
    "status": "active",
    "period_end": "2026-02-28T12:00:00Z",
    "limits": COUNTED,
    "usage": {"chat_messages": 17, "connections": 1, "documents": 3, "auras": 2},
}
PLATFORM = {
    "provider": "codeyard",
    "name": "Codeyard",
    "status": "connected",
    "connected": True,
    "problem": "",
    "account": "ada",
    "scopes": ["read"],
    "renewable": True,
    "expires_at": "2026-01-31T13:00:00Z",
    "connected_at": NOON,
    "last_sync_at": LATER,
    "last_sync_status": "completed",
    "connection_id": 3,
}
JOB_ID = "0191f2a4-7d7c-7a53-9e3b-4f1d9f0c2b11"
JOB = {
    "job_id": JOB_ID,
    "user_id": 42,
    "provider": "codeyard",
    "state": "running",
    "progress": 0.4,
    "items_done": 40,
    "items_total": 100,
    "problem": "",
    "created_at": NOON,
    "started_at": NOON,
    "finished_at": None,
    "waits_until": None,
}
SIGNATURE = {
    "user_id": 42,
    "method": "keywords-1",
    "items": 100,
    "platforms": {"codeyard": 100},
    "first_at": "2025-12-01T08:00:00Z",
    "last_at": NOON,
    "traits": [{"name": "Curiosity", "score": 71, "basis": "38 topics in 100 items"}],
    "clusters": [
        {
            "name": "Software",
            "share": 0.62,
            "items": 62,
            "labels": ["parser", "release"],
            "platforms": ["codeyard"],
            "peak_hour": 21,
        }
    ],
}
AURA = {
    "id": 5,
    "user_id": 42,
    "name": "Morning briefing",
    "description": "Weather and headlines at seven",
    "kind": "agent",
    "settings": {"hour": 7},
    "created_at": NOON,
    "updated_at": NOON,
}
PERSONA = {
    "id": 3,
    "name": "Tutor",
    "description": "Explains step by step",
    "system_prompt": "You are a patient tutor. Explain step by step.",
    "is_active": True,
    "version": 1,
    "created_by": None,
    "created_at": NOON,
    "updated_at": NOON,
}
PREFERENCE = {"user_id": 42, "persona_id": 3, "temperature": 0.7, "use_documents": False}
CONVERSATION = {"id": 28, "title": "Caches", "persona_id": 3, "created_at": NOON, "updated_at": LATER}
ANSWER = "Many readers miss at once, and all of them load."
MESSAGE = {
    "id": 10,
    "role": "assistant",
    "content": ANSWER,
    "created_at": LATER,
    "cached": False,
    "complete": True,
    "prompt_tokens": 37,
    "completion_tokens": 12,
}
REPLY = {
    "conversation_id": 28,
    "message_id": 10,
    "text": ANSWER,
    "cached": False,
    "complete": True,
    "usage": {"prompt_tokens": 37, "completion_tokens": 12, "total_tokens": 49},
}
DOCUMENT = {"id": 1, "name": "notes.md", "size": 3, "sha256": SHA256, "created_at": NOON}
STATS = {
    "user_id": 42,
    "conversations": 3,
    "messages": 24,
    "documents": 1,
    "document_bytes": 3,
    "tokens_used": 4800,
    "tokens_saved": 1200,
    "micro_usd_saved": 1800,
}
FLUSHED = {"target": {"policy": "weather.current"}, "entries": None, "generations": 1, "waiting": False}
DISCONNECTED = {"provider": "codeyard", "status": "disconnected", "revoked": True, "revocation": "revoked"}

OUT_OF_RANGE = refused(
    400,
    "Bad Request",
    "lat: must be between -90 and 90",
    kind="urn:problem:invalid-query",
    errors={"lat": ["must be between -90 and 90"]},
)
NOT_A_FIELD = refused(400, "Bad Request", "The request is not valid.", errors={"nmae": ["is not a field here"]})
TOO_MANY = refused(429, "Too Many Requests", "Too many requests. Try again in 12 s.", kind="urn:problem:rate-limit")
DUPLICATE = refused(
    409, "Conflict", "You have an aura of that name.", kind="urn:problem:duplicate", existing_id=AURA["id"]
)
WRONG_PASSWORD = refused(401, "Unauthorized", "The username or the password is wrong.")
NO_SOURCE = refused(
    503,
    "Service Unavailable",
    "The source of this data does not answer at the moment, and there is no earlier answer to give.",
    kind="urn:problem:source",
)

EXAMPLES: dict[str, list[OpenApiExample]] = {
    "weather_current": [read(CURRENT), OUT_OF_RANGE, NO_SOURCE],
    "weather_forecast": [read({**PLACE, "days": [DAY], "hours": [HOUR], **WEATHER_SOURCE}), OUT_OF_RANGE, NO_SOURCE],
    "weather_places": [answered(page(POTSDAM))],
    "news": [read(page(ARTICLE, **NEWS_SOURCE)), TOO_MANY, NO_SOURCE],
    "auth_token": [asked({"username": "ada", "password": "correct horse battery"}), bare(TOKENS), WRONG_PASSWORD],
    "auth_refresh": [asked({"refresh": "eyJhbGciOiJIUzI1NiIs"}), bare(TOKENS)],
    "auth_logout": [asked({"refresh": "eyJhbGciOiJIUzI1NiIs"}), answered(None)],
    "auth_password": [asked({"old": "correct horse battery", "new": "a staple for the horse"}), answered(None)],
    "api_keys": [answered(page(KEY))],
    "api_key_create": [
        asked({"name": "Backup script", "scopes": ["read"]}),
        answered({**KEY, "key": "cpk_CahAARe0Bo_…"}, status=201),
        NOT_A_FIELD,
    ],
    "api_key_revoke": [answered(None)],
    "profile_read": [read(PROFILE)],
    "profile_change": [asked({"display_name": "Ada Lovelace"}), answered(PROFILE), NOT_A_FIELD],
    "subscription_read": [read(SUBSCRIPTION)],
    "subscription_change": [asked({"plan": "pro"}), answered(SUBSCRIPTION)],
    "oauth_connections": [read(page(PLATFORM))],
    "connectors_status": [read({"user_id": 42, "connected": 1, "platforms": [PLATFORM]})],
    "connectors_authorize": [answered({"authorization_url": "https://codeyard.example/authorize?state=…"})],
    "connectors_callback": [
        answered(PLATFORM),
        asked({"state": "hJtXIZ2uSN5kbQfbtTNWbg", "code": "SplxlOBeZQQYbYS6WxSbIA"}),
    ],
    "connectors_disconnect": [answered(DISCONNECTED)],
    "connectors_reset": [answered({"user_id": 42, "disconnected": [DISCONNECTED]})],
    "connectors_extract": [answered({"job_id": JOB_ID}, status=202)],
    "extraction_job": [read(JOB)],
    "signature": [read(SIGNATURE)],
    "auras": [read(page(AURA))],
    "aura": [read(AURA)],
    "aura_create": [
        asked({"name": "Morning briefing", "kind": "agent", "settings": {"hour": 7}}),
        answered(AURA, status=201),
        DUPLICATE,
        TOO_MANY,
    ],
    "aura_change": [asked({"description": "Weather and headlines at seven"}), answered(AURA), DUPLICATE],
    "aura_delete": [answered(None)],
    "personas": [read(page(PERSONA))],
    "persona": [read(PERSONA)],
    "persona_create": [
        asked({"name": "Tutor", "system_prompt": "You are a patient tutor. Explain step by step."}),
        answered({**PERSONA, "created_by": 42}, status=201),
    ],
    "persona_change": [asked({"is_active": False}), answered({**PERSONA, "is_active": False, "version": 2})],
    "persona_delete": [answered(None)],
    "persona_preference": [read(PREFERENCE)],
    "persona_preference_choose": [asked({"temperature": 0.7, "use_documents": False}), answered(PREFERENCE)],
    "chat": [asked({"message": "What is a cache stampede?"}), answered(REPLY), TOO_MANY],
    "conversations": [read(page(CONVERSATION))],
    "conversation_begin": [asked({"title": "Caches"}), answered(CONVERSATION, status=201)],
    "conversation_delete": [answered(None)],
    "conversation_messages": [read(page(MESSAGE))],
    "documents": [read(page(DOCUMENT))],
    "document_add": [asked({"name": "notes.md", "text": "# x"}), answered(DOCUMENT, status=201), TOO_MANY],
    "document_delete": [answered(None)],
    "assistant_stats": [read(STATS)],
    "cache_flush": [asked({"policy": "weather.current"}), answered({**FLUSHED, "milliseconds": 0.4})],
}

PARAMETERS: dict[str, Any] = {"lat": 52.52, "lon": 13.41, "q": "Potsdam", "state": "hJtXIZ2uSN5kbQfbtTNWbg"}
"""Examples of parameters, by name."""
