"""`python -m config.services`: start the site with all that it needs, in the foreground."""

from __future__ import annotations

import argparse
import os
import sys

OLDEST_PYTHON = (3, 11)


def main() -> int:
    """Run the launcher. Returns the exit code; what cannot work is one line on stderr and 1."""
    parser = argparse.ArgumentParser(prog="python -m config.services", description=__doc__)
    parser.add_argument("--stop-with-parent", action="store_true", help="stop when the calling process is gone")
    arguments = parser.parse_args()
    parent = os.getppid() if arguments.stop_with_parent else None
    if sys.version_info[:2] < OLDEST_PYTHON:
        return _fail(f"Python {sys.version.split()[0]} is too old: 3.11 or later is needed")
    try:
        from config.environment import ConfigurationError
        from config.services import launcher
        from config.services.service import ServiceError
    except ModuleNotFoundError as error:
        return _fail(f"the package {error.name} is not installed: run `make run`, which installs it")
    try:
        return launcher.run(parent=parent)
    except (ConfigurationError, ServiceError) as error:
        return _fail(str(error))


def _fail(text: str) -> int:
    sys.stderr.write(f"error: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
