"""The system-wide personas that a site begins with."""

from __future__ import annotations

from typing import Any

DEMO_PERSONAS: tuple[dict[str, str], ...] = (
    {
        "name": "Helper",
        "description": "Answers plainly and briefly",
        "system_prompt": "You are a helpful assistant. Answer plainly and briefly. Say so when you do not know.",
    },
    {
        "name": "Editor",
        "description": "Makes texts shorter and clearer",
        "system_prompt": "You are an editor. Make what you are given shorter and clearer, and keep its meaning.",
    },
    {
        "name": "Tutor",
        "description": "Explains step by step, and asks back",
        "system_prompt": "You are a patient tutor. Explain step by step, and end with one question that tests it.",
    },
)


def create_demo_personas(persona_model: Any) -> None:  # noqa: ANN401  # a historical model in migrations
    """Create those of them that are not there."""
    for fields in DEMO_PERSONAS:
        persona_model.objects.get_or_create(name=fields["name"], created_by=None, defaults=fields)
