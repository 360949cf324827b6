"""What a deployment should not do with passwords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning  # noqa: A004  # Django's name

from cache_platform.presets import preset


def check_attempts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Whether wrong passwords are limited always. For `check --deploy` alone: a limit may be tried in shadow."""
    found: list[CheckMessage] = []
    for name in ("auth", "auth_address"):
        limit = preset(name)
        if limit.shadow or limit.without_store == "allow":
            word = "shadow" if limit.shadow else "allow"
            message = f"The limit {name!r} says {word}: passwords can be tried without end."
            hint = f"Leave {word} out of RATE_LIMIT_{name.upper()}."
            found.append(Warning(message, hint=hint, id="accounts.W001"))
    return found
