"""The platforms as cards: what each shows, and what can be done with it. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.pages.wording import Moment, ago, day, moment
from connectors.definitions import Provider
from connectors.pages.wording import STATES, failure_words, problem_words, until
from connectors.schema import JobView, PlatformState

ACTIVE = frozenset({"queued", "running"})
UNKNOWN_KIND = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A job under way. `percent` is 0 to 100; `words` say how far it is, or what it waits for."""

    id: str
    percent: int
    words: str
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """The last extraction that ended: `completed` or `failed`, when, and how that went."""

    status: str
    when: Moment
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCard:
    """One platform. `kind` chooses its picture, `mood` the colour of `label`; the `can_…` say which forms there are,
    `urgent` whether reconnecting is what should be done first. `scopes` are those granted; of a platform that is not
    connected, those that it would be asked for."""

    slug: str
    name: str
    description: str
    kind: str
    state: str
    label: str
    mood: str
    note: str
    account: str
    scopes: tuple[str, ...]
    since: Moment | None
    sync: LastSync | None
    progress: Progress | None
    items: int
    revocable: bool
    can_connect: bool
    can_reconnect: bool
    can_disconnect: bool
    can_extract: bool
    urgent: bool


def platform_card(
    state: PlatformState, provider: Provider | None, job: JobView | None, *, items: int, now: datetime
) -> PlatformCard:
    """The card for `state`. `provider` is None for a platform that is not offered any more, `job` its last extraction,
    and `items` how many things are stored of it."""
    label, mood = STATES[state.status]
    active = state.status != "disconnected"
    offered = provider is not None
    progress = progress_of(job, now) if active else None
    data = provider.data if provider else None
    return PlatformCard(
        slug=state.provider,
        name=state.name,
        description=provider.description if provider else "Not offered here any more",
        kind=data.kind if data else UNKNOWN_KIND,
        state=state.status,
        label=label,
        mood=mood,
        note=_note(state, now),
        account=state.account if active else "",
        scopes=state.scopes if active else _asked_for(provider),
        since=_past(state.connected_at, now) if active else None,
        sync=_last_sync(state, job, items, now) if active else None,
        progress=progress,
        items=items,
        revocable=provider is not None and provider.revocation is not None,
        can_connect=offered and not active,
        can_reconnect=offered and active,
        can_disconnect=active,
        can_extract=state.connected and data is not None and progress is None,
        urgent=active and (not state.connected or (state.status == "expiring" and not state.renewable)),
    )


def progress_of(job: JobView | None, now: datetime) -> Progress | None:
    """How far a job is; None for none, and for one that has ended."""
    if job is None or job.state not in ACTIVE:
        return None
    waits = job.waits_until is not None and job.waits_until > now
    return Progress(id=str(job.job_id), percent=round(job.progress * 100), words=_progress_words(job, now), waits=waits)


def _progress_words(job: JobView, now: datetime) -> str:
    if job.waits_until is not None and job.waits_until > now:
        return f"Waiting for the platform; goes on {until(job.waits_until, now)}"
    if not job.items_done:
        return "About to begin"
    if job.items_total is None:
        return f"{job.items_done:,} items so far"
    return f"{job.items_done:,} of {job.items_total:,} items"


def _note(state: PlatformState, now: datetime) -> str:
    if state.status in {"needs_reauth", "error"}:
        return problem_words(state.problem, state.name)
    if state.status != "expiring":
        return ""
    if state.renewable:
        return "The access is being renewed; there is nothing to do."
    when = f" {until(state.expires_at, now)}" if state.expires_at else " soon"
    return f"The access ends{when}. Reconnect to keep it."


def _asked_for(provider: Provider | None) -> tuple[str, ...]:
    return provider.scopes if provider else ()


def _last_sync(state: PlatformState, job: JobView | None, items: int, now: datetime) -> LastSync | None:
    if state.last_sync_at is None or not state.last_sync_status:
        return None
    words = _sync_words(job, items, state.name) if job and job.state == state.last_sync_status else ""
    return LastSync(
        status=state.last_sync_status,
        when=moment(state.last_sync_at, ago(state.last_sync_at, now)),
        words=words,
    )


def _sync_words(job: JobView, items: int, name: str) -> str:
    if job.state == "failed":
        return failure_words(job.problem, name)
    if job.items_done and not items:
        return "Deleted since, by disconnecting"
    return f"{job.items_done:,} item{'' if job.items_done == 1 else 's'}"


def _past(time: datetime | None, now: datetime) -> Moment | None:
    if time is None:
        return None
    return moment(time, "today" if time.date() == now.date() else day(time))
