"""Hacker News: `GET /v0/topstories.json`, `newstories`, `beststories` and `/v0/item/<id>.json`.

Wire format: https://github.com/HackerNews/API. Lists are 500 ids (best: 200). An id that is no story, or not yet
one, is answered with `null`, as there. Items take a twentieth of a list's time and do not count as calls.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from django.http import HttpRequest, HttpResponse

from sandbox import noise
from sandbox.countries import countries
from sandbox.newswire import fill, slug, stories
from sandbox.providers import Provider, provided_by
from sandbox.replies import Endless, json_reply

MINUTE = 60
FIRST_ID = 16_000_000
"""Ids count minutes; this offset brings them near those of the real site."""

STORY_SHARE = 0.25
DELETED_SHARE = 0.004
SHOWN = 500
BEST_SHOWN = 200
RANKED_MINUTES = 48 * 60
ITEM_PACE = 1 / 20
HOSTS = ("blog", "www", "notes", "eng")
DOMAINS = ("arbor", "bytes", "kiln", "tidal")
NAMES = ("pg", "ada", "tin", "mo", "zed", "kay", "rue")


@dataclass(frozen=True, slots=True)
class Submission:
    """What never changes about a story; `peak` is the score it ends with."""

    id: int
    by: str
    title: str
    url: str | None
    time: int
    peak: int
    deleted: bool


HACKER_NEWS = Provider(
    service="news",
    broken=lambda: json_reply({"error": "Internal server error."}, status=500),
    rate_limited=lambda: json_reply({"error": "Too many requests."}, status=429),
    huge=Endless(head="[", item="45322680", tail="]"),
)


@provided_by(HACKER_NEWS)
async def story_list(_request: HttpRequest, order: str) -> HttpResponse:
    """Return ids: `top` by score and age, `new` by age, `best` by score."""
    return json_reply(ranked(order, now=int(time.time())))


@provided_by(HACKER_NEWS, counted=False, pace=ITEM_PACE)
async def item(_request: HttpRequest, item_id: int) -> HttpResponse:
    """Return one story, or null."""
    return json_reply(item_at(item_id, now=int(time.time())))


def ranked(order: str, *, now: int) -> list[int]:
    """Return story ids in `order` (top, new or best) as of Unix time `now`."""
    newest = now // MINUTE + FIRST_ID
    recent = (submission(number) for number in range(newest, newest - RANKED_MINUTES, -1))
    found = [story for story in recent if story is not None and story.time <= now]
    if order == "new":
        return [story.id for story in found][:SHOWN]
    if order == "best":
        return [story.id for story in sorted(found, key=lambda s: (-score(s, now=now), -s.id))][:BEST_SHOWN]
    return [story.id for story in sorted(found, key=lambda s: (-_heat(s, now), -s.id))][:SHOWN]


def item_at(item_id: int, *, now: int) -> dict[str, object] | None:
    """Return the item as of Unix time `now`; None where there is none. Ask HN has no url, deleted items little else."""
    story = submission(item_id)
    if story is None or story.time > now:
        return None
    if story.deleted:
        return {"deleted": True, "id": story.id, "time": story.time, "type": "story"}
    points = score(story, now=now)
    found: dict[str, object] = {
        "by": story.by,
        "descendants": int(points * (0.2 + 0.9 * noise.unit("talk", story.id))),
        "id": story.id,
        "score": points,
        "time": story.time,
        "title": story.title,
        "type": "story",
    }
    return found if story.url is None else found | {"url": story.url}


def score(story: Submission, *, now: int) -> int:
    """Return the points of a story, which it gathers within about a day."""
    age_hours = max(0, now - story.time) / 3600
    return 1 + int(story.peak * (1 - math.exp(-age_hours / 5)))


@lru_cache(maxsize=8192)
def submission(item_id: int) -> Submission | None:
    """Return the story with this id, if it is one."""
    minute = item_id - FIRST_ID
    if minute < 0 or noise.unit("story", item_id) >= STORY_SHARE:
        return None
    random = Random(f"hackernews/{item_id}")
    title = fill(random.choice(stories()["hackernews"]).title, random, countries()["us"])
    host = f"{random.choice(HOSTS)}.{random.choice(DOMAINS)}.example"
    return Submission(
        id=item_id,
        by=random.choice(NAMES) + str(random.randint(1, 999)),
        title=title,
        url=None if title.startswith("Ask HN") else f"https://{host}/{slug(title)}",
        time=minute * MINUTE + random.randrange(MINUTE),
        peak=int(2 + 900 * random.random() ** 6),
        deleted=noise.unit("deleted", item_id) < DELETED_SHARE,
    )


def _heat(story: Submission, now: int) -> float:
    """Rank as Hacker News is known to: points over age to the power of 1.8."""
    age_hours = (now - story.time) / 3600
    return (score(story, now=now) - 1) / math.pow(age_hours + 2, 1.8)
