"""`python -m sandbox --host 127.0.0.1 --port 0`: serve the sandbox in the foreground."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sandbox import delays
from sandbox.oauth import state
from sandbox.oauth.store import StateError
from sandbox.serving import ServingError, claimed_address, serve


def main() -> int:
    """Serve until told to stop; 1, with one line on stderr, when that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Local stand-ins for outside providers.")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--state", type=Path, metavar="FOLDER", help="where tokens outlive the process (in memory)")
    given = parser.parse_args()
    try:
        delays.enabled()
        with claimed_address(given.host, given.port) as (address, port):
            if given.state is not None:
                state.keep_in(given.state)
            serve(address, port)
    except (ServingError, delays.DelaySettingError, StateError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
