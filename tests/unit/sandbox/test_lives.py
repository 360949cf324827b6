"""What people did on the platforms never changes, is varied, and shows how each of them lives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox.oauth.accounts import ACCOUNTS
from sandbox.platforms import items
from sandbox.platforms.lives import DAYS, FEWEST, MOST, UNTIL, areas, habits, moments, words

ROOT = Path(__file__).resolve().parents[3]
LISTS = (items.plays, items.events, items.repositories, items.messages)
PLATFORMS = ("tunebox", "daybook", "codeyard", "chirper")
BLANK = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("found", LISTS)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_some_hundred_items_each_with_an_id_of_its_own(found, account):
    """The ids are the same in no two accounts either."""
    ids = [item["id"] for item in found(account)]
    assert FEWEST <= len(ids) <= MOST
    assert len(set(ids)) == len(ids)
    others = {item["id"] for other in ACCOUNTS if other != account for item in found(other)}
    assert others.isdisjoint(ids)


def test_another_process_has_the_same_items():
    """Whatever its hash seed, so that extraction may be resumed after a restart."""
    program = (
        "import json; from sandbox.platforms import items as i; "
        "print(json.dumps([f('grace') for f in (i.plays, i.events, i.repositories, i.messages)]))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(ended.stdout) == [found("grace") for found in LISTS]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_moments_are_spread_over_one_year(platform, account):
    """Every month has some; no two are at the same second, so that a time can be a cursor."""
    found = [moment.at for moment in moments(platform, account)]
    assert found == sorted(set(found))
    assert UNTIL - timedelta(days=DAYS) <= found[0]
    assert found[-1] < UNTIL
    assert len({(at.year, at.month) for at in found}) == 12


@pytest.mark.parametrize("account", ACCOUNTS)
def test_hours_and_areas_are_those_of_the_habits(account):
    """Most happens near the account's hour; its favourite area is the most frequent, and none is missing."""
    how = habits()[account]
    found = [moment for platform in PLATFORMS for moment in moments(platform, account)]
    near = [
        abs((moment.at.hour + moment.at.minute / 60 - how.peak + 12) % 24 - 12) < 2 * how.spread for moment in found
    ]
    assert sum(near) / len(near) > 0.9
    counted = Counter(moment.area.name for moment in found)
    assert set(counted) == set(areas())
    assert counted.most_common(1)[0][0] == max(how.areas, key=how.areas.get)


def test_habits_are_of_the_accounts_and_the_areas():
    """The table names nobody and nothing that there is not."""
    assert set(habits()) == set(ACCOUNTS)
    assert all(set(how.areas) == set(areas()) for how in habits().values())


def test_blanks_have_words():
    """No template asks for a word that the table lacks."""
    for area in areas().values():
        for template in (*area.tracks, *area.events, *area.texts, *area.repositories):
            assert set(BLANK.findall(template)) <= set(words()), template


@pytest.mark.parametrize("found", LISTS)
def test_no_blank_is_left_in_what_is_sent(found):
    """And texts are not all the same."""
    text = json.dumps(found("linus"))
    assert "{" not in re.sub(r'[{}](?=["\[\],{}: ]|$)', "", text)
    titles = {
        json.dumps(item.get("track") or item.get("summary") or item.get("name") or item.get("text"))
        for item in found("linus")
    }
    assert len(titles) > 20


@pytest.mark.parametrize("account", ACCOUNTS)
def test_events_and_repositories_have_sensible_times(account):
    """Events end after they begin, repositories are pushed to after they were made."""
    for event in items.events(account):
        assert datetime.fromisoformat(event["start"]["dateTime"]) < datetime.fromisoformat(event["end"]["dateTime"])
    for repository in items.repositories(account):
        assert repository["created_at"] < repository["pushed_at"]
    starts = [event["start"]["dateTime"] for event in items.events(account)]
    assert starts == sorted(starts)
