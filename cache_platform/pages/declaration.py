"""What a policy declares, in words."""

from __future__ import annotations

from typing import Any

from cache_platform import keys
from cache_platform.pages import wording
from cache_platform.policies import Budget, CachePolicy

CONSISTENCY = {
    "strict": "Strict: never serves anything older than a finished write.",
    "relaxed": "Relaxed: may be a little behind a write, and is served while the source or the store is away.",
}
AUDIENCE = {
    "public": "Public: the same for everybody.",
    "private": "Private: values are not shown here.",
}


def ttl_words(policy: CachePolicy[Any]) -> str:
    """The TTL in force, and where it comes from."""
    source = policy.ttl_source
    if not policy.effective_ttl:
        return f"off, by {source}"
    if source == "declared":
        return f"{wording.duration(policy.effective_ttl)}, as declared"
    return f"{wording.duration(policy.effective_ttl)}, from {source} (declared: {wording.duration(policy.ttl)})"


def facts_of(policy: CachePolicy[Any]) -> list[tuple[str, list[str]]]:
    """Each field of the declaration with what it means, one or several lines."""
    return [
        ("Fresh for", [ttl_words(policy), f"{' or '.join(policy.ttl_variables)} overrides it"]),
        ("Consistency", [CONSISTENCY[policy.consistency]]),
        ("Audience", [AUDIENCE[policy.audience]]),
        ("Parameters", _parameters(policy)),
        ("Tags", [*policy.tags, keys.policy_tag(policy.name), keys.EVERYTHING]),
        ("Value", [_type_words(policy.schema)]),
        ("Stale answers", [_stale_words(policy)]),
        ("Refreshed early", [_early_words(policy)]),
        ("Local copies", [_or_none(policy.local_ttl, "for {} in each process's memory")]),
        ("“Not found” kept", [_or_none(policy.negative_ttl, "for {}")]),
        ("A load may take", [_timeout_words(policy)]),
        ("After a failure", [f"the source is left alone for {wording.duration(policy.backoff)},"
                             f" each time for longer, up to {wording.duration(policy.longest_backoff)}"]),
        ("Load budgets", [_budget_words(budget) for budget in policy.budgets] or ["none"]),
        *([("Ends by itself", ["a value is not served past the time that it names"])] if policy.until else []),
    ]  # fmt: skip


def _parameters(policy: CachePolicy[Any]) -> list[str]:
    secret = policy.secret_params
    shown = [f"{name}: {kind.__name__}{', secret' if name in secret else ''}" for name, kind in policy.params.items()]
    return shown or ["none: there is one entry"]


def _type_words(schema: Any) -> str:  # noqa: ANN401  # any type
    return schema.__qualname__ if isinstance(schema, type) and not hasattr(schema, "__args__") else str(schema)


def _stale_words(policy: CachePolicy[Any]) -> str:
    if not policy.stale_for:
        return "never served"
    words = f"served for {wording.duration(policy.stale_for)} past the time while the source fails"
    return f"{words}, or takes over {wording.duration(policy.soft_timeout)}" if policy.soft_timeout else words


def _early_words(policy: CachePolicy[Any]) -> str:
    if not policy.refresh_ahead:
        return "no"
    left = policy.effective_ttl * policy.refresh_ahead
    return f"in the background, by a read in the last {wording.duration(left)} of freshness"


def _timeout_words(policy: CachePolicy[Any]) -> str:
    words = f"{wording.duration(policy.hard_timeout)} at the most"
    return f"{words}; a reader waits {wording.duration(policy.soft_timeout)}" if policy.soft_timeout else words


def _budget_words(budget: Budget) -> str:
    whose = "each caller" if budget.per == "caller" else "all callers together"
    return f"{wording.many(budget.limit, 'load')} in {wording.duration(budget.window)} for {whose}"


def _or_none(seconds: float, words: str) -> str:
    return words.format(wording.duration(seconds)) if seconds else "none"
