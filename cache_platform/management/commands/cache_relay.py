"""`manage.py cache_relay`: drain the outbox as soon as something is written to it."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cache_platform import outbox, relay
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores import get_store
from cache_platform.stores.redis import RedisStore


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C. It may be killed at any point, and several may run."""

    help = "Bump the tags that writes could not bump themselves, as soon as they are in the outbox."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once` for a single drain, `--json` for its result as JSON."""
        parser.add_argument("--once", action="store_true", help="drain what is there now, and end")
        parser.add_argument("--json", action="store_true", help="with --once: the result as JSON")

    def handle(self, *_args: Any, once: bool, json: bool, **_options: Any) -> None:
        """Exit code 0 well, 1 when there is nothing to relay to, 2 when a single drain failed."""
        store = get_store()
        if not isinstance(store, RedisStore):
            self.stderr.write("nothing to relay: entries are kept in each process's memory (CACHE_PLATFORM['STORE'])")
            sys.exit(1)
        missing = [using for using in outbox.databases() if outbox.lacks_table(using)]
        if missing:
            self.stderr.write(f"error: no outbox in {', '.join(missing)}: run manage.py migrate (--database …)")
            sys.exit(2)
        if once:
            self._look_once(store, as_json=json)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stderr.write("relay ready")
        relay.run(store, stop)

    def _look_once(self, store: RedisStore, *, as_json: bool) -> None:
        try:
            drained = store.look_at_outbox()
        except StoreUnavailable as error:
            self.stderr.write(f"error: {error}")
            sys.exit(2)
        self.stdout.write(json.dumps({"drained": drained}) if as_json else f"{drained} rows drained")
