"""`manage.py cache_warm`: fill the cache ahead, from the warmers that policies declare."""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from cache_platform import flushing
from cache_platform.commands.operator import FAILED, WARNING, WELL, OperatorCommand
from cache_platform.commands.tables import Cell, Column, Table
from cache_platform.commands.warm_report import STYLES, WORDS, shown_items, unreached
from cache_platform.commands.warm_run import Item, WarmRun, outcomes_by_policy
from cache_platform.commands.words import duration, several
from cache_platform.conf import conf
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.stores import get_store
from cache_platform.warming import Warmer, Wish, warmers

MOST_THREADS = 64
ORDER = ("stored", "missing", "fresh", "left", "unstored", "failed")


def whole(text: str) -> int:
    """A number of threads."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:4]) <= MOST_THREADS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_THREADS}")
    return int(text)


def positive(text: str) -> float:
    """A rate."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.01 <= number <= 100_000:
        raise argparse.ArgumentTypeError("must be a number from 0.01 to 100000")
    return number


class Command(OperatorCommand):
    """May run beside the site, twice at once, and be stopped at any point: what is fresh is left as it is."""

    help = "Load and store what will be read: of the named policies, or of all that declare a warmer."
    exits = "exit code: 0 well, 1 some failed or all were left, 2 all failed or the store is away"

    def add_arguments(self, parser: CommandParser) -> None:
        """Which policies; how fast; how the result is shown."""
        parser.add_argument(
            "policies", nargs="*", metavar="POLICY", help="all that declare a warmer when none is named"
        )
        parser.add_argument("--concurrency", type=whole, default=4, metavar="N", help="loads at once (4)")
        parser.add_argument("--rate", type=positive, default=10.0, metavar="N", help="loads begun in a second (10)")
        parser.add_argument("--dry-run", action="store_true", help="load nothing: say what is missing")
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def work(self, options: Mapping[str, Any]) -> int:
        """Collect the wishes, fill them, tell what became of each."""
        try:
            chosen = _chosen(options["policies"])
        except InvalidQuery as error:
            return self.fail(error)
        if not conf.enabled:
            return self.fail("caching of entries is turned off (CACHE_PLATFORM['ENABLED']): nothing would be stored")
        try:
            get_store().ping()
        except StoreUnavailable as error:
            return self.fail(f"the store is away: {error}")
        began = time.monotonic()
        wishes, items = self._wishes(chosen)
        interrupted = False
        with shown_items(self, len(wishes) + len(items), lines=not options["json"]) as note:
            for item in items:
                note(item)

            def done(item: Item) -> None:
                items.append(item)
                note(item)

            run = WarmRun(
                wishes, done, concurrency=options["concurrency"], rate=options["rate"], dry=options["dry_run"]
            )
            try:
                run.run()
            except KeyboardInterrupt:
                interrupted = True
        took = time.monotonic() - began
        self._tell(items, run, took, options)
        if interrupted:
            return self.warn(f"stopped after {len(items)} of {len(wishes)}")
        return self._exit_code(items, run, len(wishes))

    def _wishes(self, chosen: Sequence[Warmer[Any]]) -> tuple[list[Wish[Any]], list[Item]]:
        """What the warmers wish for; an item for each that could not say."""
        wishes: list[Wish[Any]] = []
        broken: list[Item] = []
        for warmer in chosen:
            if warmer.policy.effective_ttl == 0:
                self.note(f"{warmer.policy.name} is switched off ({warmer.policy.ttl_source}=0): left out")
                continue
            try:
                wishes += warmer.wishes()
            except Exception as error:  # noqa: BLE001  # as for a loader: the other policies are not concerned
                why = f"its warmer does not say what to load: {type(error).__name__}"
                broken.append(Item(policy=warmer.policy.name, params="-", outcome="failed", milliseconds=0, why=why))
        return wishes, broken

    def _tell(self, items: Sequence[Item], run: WarmRun, took: float, options: Mapping[str, Any]) -> None:
        counts = outcomes_by_policy(items)
        total = sum(counts.values(), Counter[str]())
        if options["json"]:
            self.say_json(
                {
                    "dryRun": options["dry_run"],
                    "seconds": round(took, 2),
                    "total": {name: total[name] for name in ORDER if total[name]},
                    "policies": {name: dict(counts[name]) for name in sorted(counts)},
                    "items": [asdict(item) for item in items],
                    "error": run.away or None,
                }
            )
        else:
            if self.is_terminal() and len(counts) > 1:
                self.console().print("", _summary(counts), "", sep="\n")
            parts = [f"{total[name]:,} {WORDS.get(name, name)}" for name in ORDER if total[name]]
            self.note(f"{several(len(items), 'entry', 'entries')} in {duration(took)}: {', '.join(parts) or 'none'}")
        for each in unreached(items):
            self.note(each)

    def _exit_code(self, items: Sequence[Item], run: WarmRun, wished: int) -> int:
        if run.away:
            return self.fail(f"the store went away after {len(items)} of {wished}: {run.away}")
        bad = sum(item.outcome in {"failed", "unstored"} for item in items)
        good = sum(item.outcome in {"stored", "fresh", "missing"} for item in items)
        if bad:
            return WARNING if good else FAILED
        return WELL if good or not items else WARNING


def _chosen(names: Sequence[str]) -> list[Warmer[Any]]:
    """The warmers of these policies; all of them when none is named. Raises InvalidQuery, which says what there is."""
    by_name = {warmer.policy.name: warmer for warmer in warmers()}
    for name in names:
        flushing.target_of({"policy": name})  # says which name is near
        if name not in by_name:
            there = f"those with one are {', '.join(by_name)}" if by_name else "no policy has one"
            raise InvalidQuery("policy", f"{name} declares no warmer; {there}")
    if not by_name:
        raise InvalidQuery("policy", "no policy declares a warmer (cache_platform.warming.warmer)")
    return [by_name[name] for name in dict.fromkeys(names)] if names else list(by_name.values())


def _summary(counts: Mapping[str, Counter[str]]) -> Any:  # noqa: ANN401  # one of Rich's
    names = [name for name in ORDER if any(each[name] for each in counts.values())]
    columns = [Column("policy", left=True), *(Column(WORDS.get(name, name)) for name in names)]
    rows = [
        [Cell(policy), *(Cell(str(each[name] or "-"), STYLES[name] if each[name] else "dim") for name in names)]
        for policy, each in sorted(counts.items())
    ]
    return Table(columns, rows).rich()
