"""The items that each platform holds, as it sends them. They are made once for each account and then kept."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache

from sandbox.oauth.accounts import ACCOUNTS
from sandbox.platforms.lives import Moment, habits, iso, moments

Item = dict[str, object]

MINUTE = 60
DURATIONS = (30, 45, 60, 90, 120)
OLDEST_REPOSITORY_DAYS = 1500
SECOND_SUBJECT_SHARE = 0.4
FIRST_REPOSITORY = 40_000_000


@cache
def plays(account: str) -> list[Item]:
    """Return the tracks played, newest first."""
    return [_play(account, moment) for moment in reversed(moments("tunebox", account))]


@cache
def events(account: str) -> list[Item]:
    """Return the calendar's events, earliest first."""
    return [_event(account, moment) for moment in moments("daybook", account)]


@cache
def repositories(account: str) -> list[Item]:
    """Return the repositories, those first that were pushed to last."""
    return [_repository(account, moment) for moment in reversed(moments("codeyard", account))]


@cache
def messages(account: str) -> list[Item]:
    """Return the messages sent, newest first."""
    return [_message(account, moment) for moment in reversed(moments("chirper", account))]


def _play(account: str, moment: Moment) -> Item:
    random, area = moment.random, moment.area
    name = moment.pick(area.tracks)
    artist = random.choice(area.artists)
    genres = random.sample(area.genres, random.choice((1, 1, 2)))
    return {
        "id": _id("play", account, moment.number),
        "played_at": iso(moment.at),
        "track": {
            "id": _id("track", name, artist),
            "name": name,
            "artists": [{"name": artist}],
            "album": {"name": moment.pick(["{mood} {thing}", "{thing}", "Live in {city}"]), "genres": genres},
            "duration_ms": random.randrange(95_000, 420_000),
        },
    }


def _event(account: str, moment: Moment) -> Item:
    random, area = moment.random, moment.area
    start = moment.at - timedelta(seconds=moment.at.timestamp() % (15 * MINUTE))
    end = start + timedelta(minutes=random.choice(DURATIONS))
    return {
        "id": _id("event", account, moment.number),
        "status": "confirmed",
        "summary": moment.pick(area.events),
        "description": moment.fill(random.choice(["", "With {friend}.", "Bring the {thing}.", "In {city}."])),
        "start": {"dateTime": iso(start)},
        "end": {"dateTime": iso(end)},
        "eventType": "default",
        "categories": [area.name],
    }


def _repository(account: str, moment: Moment) -> Item:
    random, area = moment.random, moment.area
    name = f"{moment.fill(random.choice(area.repositories))}-{moment.number}"
    topics = random.sample(area.subjects, 2 if random.random() < SECOND_SUBJECT_SHARE else 1)
    age = timedelta(days=random.randrange(1, OLDEST_REPOSITORY_DAYS), seconds=random.randrange(86_400))
    return {
        "id": FIRST_REPOSITORY + ACCOUNTS[account].number * 10_000 + moment.number,
        "name": name,
        "full_name": f"{account}/{name}",
        "description": moment.pick(["A {mood} tool for {skill}", "Experiments with the {thing}", "Made in {city}"]),
        "language": random.choice(habits()[account].languages),
        "topics": topics,
        "stargazers_count": int(400 * random.random() ** 5),
        "pushed_at": iso(moment.at),
        "created_at": iso(moment.at - age),
    }


def _message(account: str, moment: Moment) -> Item:
    random, area = moment.random, moment.area
    return {
        "id": _id("message", account, moment.number),
        "sent_at": iso(moment.at),
        "text": moment.pick(area.texts),
        "channel": area.channel,
        "topics": random.sample([area.name, *area.subjects], random.choice((1, 2))),
    }


def _id(*parts: str | int) -> str:
    return hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=11).hexdigest()
