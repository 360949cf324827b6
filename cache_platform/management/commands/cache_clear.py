"""`manage.py cache_clear`: flush a policy, a tag, a user, what a pattern matches, one entry, or everything."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any

from django.core.management.base import CommandParser

from cache_platform import audit, flushing, generations
from cache_platform.commands.log_lines import off_terminals
from cache_platform.commands.operator import WARNING, WELL, OperatorCommand
from cache_platform.commands.words import milliseconds, several
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.flushing import Count, Flushed, Target

SHOWN = 5
"""Keys that are shown of those that a pattern matches."""
NAMES = {
    "policy": "the policy {}",
    "tag": "what is stored under the tag {}",
    "user": "what is stored under the tag user:{}",
    "pattern": "what matches {}",
    "key": "the entry {}",
    "all": "everything",
}


class Command(OperatorCommand):
    """Says first how much it would touch, and asks on a terminal. Doing it twice is harmless."""

    help = "Flush entries of the cache: those of a policy, a tag, a user or a pattern, a single one, or all."
    exits = "exit code: 0 flushed (or counted), 1 not yet (the store is away) or not at all (you said no), 2 failed"

    def add_arguments(self, parser: CommandParser) -> None:
        """What to flush, exactly one of six; and how."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--policy", metavar="P", help="all entries of a policy, as in weather.current")
        what.add_argument("--tag", metavar="T", help="what is stored under a tag, as in user:42")
        what.add_argument("--user", metavar="N", help="what is stored under user:<N>")
        what.add_argument("--pattern", metavar="G", help="keys (without prefix) that match a glob, as in 'news.*:q=x*'")
        what.add_argument("--key", metavar="K", help="the entry with this key, prefix included")
        what.add_argument("--all", action="store_true", help="every entry; limits, locks and statistics stay")
        parser.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
        parser.add_argument("--dry-run", action="store_true", help="only say how much it would be")
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def work(self, options: Mapping[str, Any]) -> int:
        """Count, ask, flush."""
        try:
            target = flushing.target_of({kind: options[kind] for kind in flushing.KINDS if options[kind]})
        except InvalidQuery as error:
            return self.fail(error)
        if not options["dry_run"] and not options["yes"] and not self._can_ask(options):
            return self.fail("nobody can be asked here: give --yes (or --dry-run)")
        if doubt := flushing.doubt(target):
            self.warn(doubt)
        try:
            count = flushing.count(target)
        except StoreUnavailable as error:
            if target.deletes or options["dry_run"]:
                return self.fail(f"the store is away, nothing can be counted or deleted ({error})")
            count = None
        if options["dry_run"]:
            return self._dry_run(target, count, as_json=options["json"])
        if not options["yes"] and not self._asked(target, count):
            self.note("nothing is flushed")
            return WARNING
        return self._flush(target, count, as_json=options["json"])

    def _can_ask(self, options: Mapping[str, Any]) -> bool:
        return not options["json"] and sys.stdin.isatty() and self.stderr.isatty()

    def _dry_run(self, target: Target, count: Count | None, *, as_json: bool) -> int:
        assert count is not None  # work has failed without
        if as_json:
            amounts = {"entries": count.entries, "generations": count.generations}
            self.say_json({"target": _shown(target), "dryRun": True, **amounts})
            return WELL
        self.stdout.write(f"would flush {_sentence(target, count)}")
        if target.kind == "pattern" and count.entries:
            keys = list(islice(dict.fromkeys(generations.entries_like(target.value)), SHOWN))
            for key in keys:
                self.stdout.write(f"  {repr(key)[1:-1]}")
            if count.entries > len(keys):
                self.stdout.write(f"  and {count.entries - len(keys):,} more")
        return WELL

    def _asked(self, target: Target, count: Count | None) -> bool:
        """Whether somebody said yes; for everything, by typing it."""
        self.note(f"This flushes {_sentence(target, count)}.")
        if target.deletes:
            self.note("A load that is under way may still store what it has read.")
        self.note("There is no way back: what is flushed is loaded again when somebody reads it.")
        word = "all" if target.kind == "all" else "y"
        self.note(f"Type {word} to flush: " if word == "all" else "Flush? [y/N] ", ending="")
        self.stderr.flush()
        answer = sys.stdin.readline().strip().lower()
        return answer == word or (word == "y" and answer == "yes")

    def _flush(self, target: Target, count: Count | None, *, as_json: bool) -> int:
        try:
            with self._audit_elsewhere(as_json=as_json):
                done = flushing.flush(target, by=None, where="command", counted=count.entries if count else None)
        except StoreUnavailable as error:
            return self.fail(error)
        if done.not_taken:  # but by this process, which ends now
            return self.fail("not flushed: neither the store nor the outbox in the database took it; try again")
        if as_json:
            self.say_json(_body(done))
        elif not done.waiting:
            self.stdout.write(f"flushed {_sentence(target, done)} in {milliseconds(done.milliseconds)}")
        if done.waiting:
            return self.warn(f"{target} waits in the outbox: it is flushed before anybody reads from the store again")
        return WELL

    def _audit_elsewhere(self, *, as_json: bool) -> AbstractContextManager[None]:
        """Where somebody reads the result as a sentence, the audit's line in front of it would be the same again."""
        seen = self.stdout.isatty() and self.stderr.isatty() and not as_json
        return off_terminals(audit.logger.name) if seen and self._options["verbosity"] < 2 else nullcontext()


def _sentence(target: Target, amounts: Count | Flushed | None) -> str:
    """What is flushed, and how much of it, as far as that is known."""
    what = NAMES[target.kind].format(target.value)
    if target.kind in {"tag", "user"}:
        return what
    if amounts is None or amounts.entries is None:
        return f"{what} (the store is away: not counted)"
    return f"{what}: {several(amounts.entries, 'entry', 'entries')}"


def _shown(target: Target) -> dict[str, Any]:
    """As the API takes it."""
    values: dict[str, Any] = {"all": True, "user": int(target.value) if target.kind == "user" else None}
    return {target.kind: values.get(target.kind, target.value)}


def _body(done: Flushed) -> dict[str, Any]:
    """As the API answers it."""
    return {
        "target": _shown(done.target),
        "entries": done.entries,
        "generations": done.generations,
        "waiting": done.waiting,
        "milliseconds": done.milliseconds,
    }
