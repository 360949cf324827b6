"""What the schedules are about: a group that is read by its id or by a name, and the kinds of writes that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from django.contrib.auth.models import Group
from django.db import IntegrityError, connections, transaction

from cache_platform import invalidate, read
from cache_platform.policies import CachePolicy
from cache_platform.reads import Read
from cache_platform.stores import get_store
from cache_platform.stores.base import new_token
from tests.consistency.actors import pause

LONG_MS = 60_000
_numbers = count(1)


class RolledBackError(Exception):
    """Raised at the end of a block that is to be rolled back."""


@dataclass
class GroupScene:
    """One group, and no other scene's. `view` is what it is read by: "id", "old" or "new" (its names).

    `start` is what the store has: "cold" nothing, "warm" the entry; "held" another writer's hold, for all the time.
    """

    using: str
    policy: CachePolicy[Any]
    change: Callable[[GroupScene], object]
    view: str
    start: str
    group: Group = field(init=False)
    _token: str = field(default_factory=new_token)

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.old, self.new = f"old {number}", f"new {number}"
        self.group = Group(name=self.old)
        if self.change is not create:
            self.group.pk = self._sql("INSERT INTO auth_group (name) VALUES (%s) RETURNING id", self.old)
        if self.start == "warm":
            self.read()
        elif self.start == "held":
            get_store().hold(self._address.tag_keys, self._token, LONG_MS)

    @property
    def stored(self) -> bool:
        """Nothing is stored under another's hold."""
        return self.start != "held"

    @property
    def groups(self) -> Any:
        """The groups of this scene's database."""
        return Group.objects.using(self.using)

    @property
    def _params(self) -> dict[str, Any]:
        return {"id": self.group.pk} if self.view == "id" else {"name": getattr(self, self.view)}

    @property
    def _address(self) -> Any:
        return self.policy.address(self._params)

    @property
    def tag(self) -> str:
        """The tag that is read under."""
        return self.policy.tags[0].format(**self._params)

    def read(self) -> Read[Any]:
        """Through the cache; the loader pauses when it has seen the database."""

        def load(**_params: object) -> Any:
            value = self.truth()
            pause("has selected")
            return value

        return read(self.policy, self._params, load)

    def truth(self) -> Any:
        """The name of the group with the id, or the id of the group with the name."""
        (value,) = self._params.values()
        column, wanted = ("id", "name") if self.view == "id" else ("name", "id")
        return self._sql(f"SELECT {wanted} FROM auth_group WHERE {column} = %s", value)

    def _sql(self, statement: str, parameter: object) -> Any:
        """The first column of the one row, or None. Past the ORM, which would take a third of all the time."""
        with connections[self.using].cursor() as cursor:
            cursor.execute(statement, [parameter])
            row = cursor.fetchone()
        return None if row is None else row[0]

    def write(self) -> None:
        """The change, in a transaction of its own."""
        with suppress(RolledBackError, IntegrityError), transaction.atomic(using=self.using):
            self.change(self)
            pause("has written")
            if self.change is rolled_back:
                raise RolledBackError

    def end(self) -> None:
        """Let go of the other writer's hold."""
        if self.start == "held":
            get_store().let_go(self._address.tag_keys, self._token)


def save(scene: GroupScene) -> None:
    """All fields of the object."""
    group = scene.groups.get(pk=scene.group.pk)
    group.name = scene.new
    group.save()


def update(scene: GroupScene) -> None:
    """By the primary key."""
    scene.groups.filter(pk=scene.group.pk).update(name=scene.new)


def update_by_name(scene: GroupScene) -> None:
    """By the field that changes."""
    scene.groups.filter(name=scene.old).update(name=scene.new)


def bulk_update(scene: GroupScene) -> None:
    """With a CASE expression."""
    scene.groups.bulk_update([Group(pk=scene.group.pk, name=scene.new)], ["name"])


def delete(scene: GroupScene) -> None:
    """The row."""
    scene.groups.filter(pk=scene.group.pk).delete()


def create(scene: GroupScene) -> None:
    """A row that was not found before."""
    scene.groups.create(name=scene.new)


def rolled_back(scene: GroupScene) -> None:
    """An update in a block that fails afterwards: see `write`."""
    update(scene)


def refused(scene: GroupScene) -> None:
    """An update whose COMMIT the database refuses, for a reference to a row that is not there."""
    update(scene)
    Group.permissions.through.objects.using(scene.using).create(group_id=scene.group.pk, permission_id=-1)


def raw_sql(scene: GroupScene) -> None:
    """Past the ORM, with the invalidation that it then takes."""
    with connections[scene.using].cursor() as cursor:
        cursor.execute("UPDATE auth_group SET name = %s WHERE id = %s", [scene.new, scene.group.pk])
    invalidate(scene.tag)


class Kind(NamedTuple):
    """A kind of write, and what is read meanwhile; how many schedules it has at least, by what the store has first."""

    change: Callable[[GroupScene], object]
    view: str
    least: Mapping[str, int] = {"cold": 200, "warm": 30}


KINDS = {
    "save": Kind(save, "id"),
    "QuerySet.update": Kind(update, "id"),
    "bulk_update": Kind(bulk_update, "id"),
    "delete": Kind(delete, "id"),
    "rollback": Kind(rolled_back, "id", {"cold": 21, "warm": 6}),  # no hold, COMMIT and bump
    "refused COMMIT": Kind(refused, "id", {"cold": 56, "warm": 10}),  # on PostgreSQL before its hold
    "raw SQL with invalidate": Kind(raw_sql, "id", {"cold": 400}),  # one bump more
    "create": Kind(create, "new"),
    "a row moves away from the tag": Kind(update_by_name, "old"),
    "a row moves to the tag": Kind(save, "new"),
}
"""All that is tried."""
