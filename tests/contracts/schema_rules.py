"""Rules of the API that JSON Schema cannot say: a body that fits its schema may be refused for these, and for no other.

Schemathesis loads this file, and drops what it found when a rule explains it. A refusal that no rule explains, or that
names one more field, stays a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

NO_PERSONA = {"persona_id": "There is no such persona"}
SETTINGS = {"settings": "must not"}
LENGTH = {"name": "must have 1 to"}

RULES: Mapping[str, Mapping[str, str]] = {
    # what there is at that moment
    "auth_password": {"old": "not the present password", "new": "This password"},
    "api_key_create": {"name": "revoke one first", "expires_at": "must be in the future|Datetime has wrong format"},
    "subscription_change": {"status": "past_due|only a cancelled|can be set to cancelled"},
    "connectors_callback": {"code": "either a code or an error", "": "."},
    "connectors_callback_get": {"code": "either a code or an error", "": "."},
    "conversation_begin": NO_PERSONA,
    "persona_preference_choose": NO_PERSONA,
    "chat": {"persona_id": "There is no such persona|is not active"},
    "persona_create": {"name": "There is a persona of that name|must have 1 to"},
    "persona_change": {"name": "There is a persona of that name|must have 1 to"},
    "cache_flush": {
        "policy": "there is no such policy",
        "key": "must be an entry's whole key",
        "tag": "must be a tag|choose everything",
        "pattern": "at the most|choose everything",
    },
    # how large a whole is, and what a spelling comes to
    "profile_change": {**SETTINGS, "avatar": "valid URL|null characters"},
    "aura_create": {**SETTINGS, **LENGTH},
    "aura_change": {**SETTINGS, **LENGTH},
    "document_add": {"name": "that of a file alone|must have 1 to", "file": "the name|is empty|must be text"},
    "news": {"q": "must have at most"},
    # the first and the last days of the calendar, elsewhere on earth
    "conversations": {"created_after": "must be a day", "created_before": "must be a day"},
    "documents": {"created_after": "must be a day", "created_before": "must be a day"},
}
"""By operation: what is said of which field. The empty name is that of a refusal without fields."""


TWO_CREDENTIALS = "Send a token or a key, not both."
NOT_PLAIN = "must be plain text in one line"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """False for what a rule explains."""
    if isinstance(failure, RejectedPositiveData | UnsupportedMethodResponse) and _has_two_credentials(response):
        return False
    declared = case.operation.definition.raw
    if isinstance(failure, RejectedPositiveData) and response.status_code == 400:
        rules = RULES.get(declared.get("operationId", ""), {})
        return not is_explained(rules, json.loads(response.content), _values(case))
    if isinstance(failure, AcceptedNegativeData):
        return not _is_only_empty(failure.message, declared, response.request.url)
    return True


def is_explained(rules: Mapping[str, str], problem: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether the rules say all that the problem says. Of plain text: whether the text is not plain, because where the
    schema says \\p{M}, schemathesis also makes up letters that Unicode does not have."""
    errors = problem.get("errors") or {"": [problem["detail"]]}
    return all(
        (text == NOT_PLAIN and not str(values.get(name, "")).isprintable())
        or (name in rules and re.search(rules[name], text) is not None)
        for name, texts in errors.items()
        for text in texts
    )


def _has_two_credentials(response: Any) -> bool:
    """Whether it was refused for a token and a key at once (RFC 6750, section 2): the schema says that either will do,
    and for a stranger schemathesis makes up both."""
    sent = response.request.headers
    if response.status_code != 400 or "Authorization" not in sent or "X-API-Key" not in sent:
        return False
    return bool(json.loads(response.content).get("detail") == TWO_CREDENTIALS)


def _values(case: Any) -> dict[str, Any]:
    return {**(case.query or {}), **(case.body if isinstance(case.body, dict) else {})}


def _is_only_empty(message: str, declared: Mapping[str, Any], url: str) -> bool:
    """Whether all that was wrong was sent as nothing, in parameters that may be empty: schemathesis does not know of
    `allowEmptyValue`."""
    found = re.search(r"Invalid component: parameters? (.+) in query", message)
    if found is None or "in body" in message:
        return False
    sent = parse_qs(urlsplit(url).query, keep_blank_values=True)
    may_be_empty = {each["name"] for each in declared["parameters"] if each.get("allowEmptyValue")}
    return all(name in may_be_empty and sent.get(name) == [""] for name in re.findall("`([^`]+)`", found[1]))
