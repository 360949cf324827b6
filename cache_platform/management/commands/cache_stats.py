"""`manage.py cache_stats`: what the cache did in a window of time, exact over all processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from cache_platform import flushing, inventory
from cache_platform.commands import stats_report
from cache_platform.commands.operator import WELL, OperatorCommand
from cache_platform.exceptions import InvalidQuery
from cache_platform.statistics import WINDOWS

COUNTING = 60.0
"""Seconds that the command waits for the entries to be counted: there is no later call that could tell."""


class Command(OperatorCommand):
    """Reads what the processes of the site have added to the store; its own counts are not in it."""

    help = "Show reads, hits, loads, load times and what was saved, by policy."
    exits = "exit code: 0 well, 2 the store is away or there is no such policy"

    def add_arguments(self, parser: CommandParser) -> None:
        """The window, one policy, and JSON."""
        parser.add_argument("--window", choices=list(WINDOWS), default="1h", help="how far back (1h)")
        parser.add_argument("--policy", metavar="P", help="this one alone")
        parser.add_argument("--json", action="store_true", help="the body of /api/cache/stats")

    def work(self, options: Mapping[str, Any]) -> int:
        """Read, and show."""
        policy = options["policy"]
        try:
            if policy is not None:
                flushing.target_of({"policy": policy})  # says which names are near
        except InvalidQuery as error:
            return self.fail(error)
        body = inventory.report(options["window"], timestamp=timezone.now().isoformat(), patience=COUNTING)
        known = body["performance"] is not None
        self._tell(stats_report.of_one(body, policy) if policy is not None and known else body, options)
        return WELL if known else self.fail("the store is away: what was counted cannot be known now")

    def _tell(self, body: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        one = options["policy"] is not None
        if options["json"]:
            self.say_json(body)
        elif self.is_terminal():
            stats_report.show(self.console(), body, one=one)
        elif body["performance"] is not None:
            for line in stats_report.plain(body, one=one):
                self.stdout.write(line)
