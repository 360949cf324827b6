"""The environment that services get: the addresses of what was started, and secrets as files instead of values.

The web server copies its environment into each request's META, and error pages show META: a value that is not in the
environment cannot get there. Secrets that the site reads are handed over as `<NAME>_FILE`; what only looks like a
secret (AWS_SECRET_ACCESS_KEY) is not handed over, because the site reads nothing that its typed environment lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from config.environment import Environment
from config.services.folder import write_secret

LOOKS_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|PEPPER")
OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
OF_THE_LAUNCHER = {"DEMO_PASSWORD", "DEMO_PASSWORD_FILE"}


def hand_over(environ: Mapping[str, str], *, secrets: Path, found: Mapping[str, str]) -> dict[str, str]:
    """`environ` for services: with `found` (what was started) over it, secrets of both in files below `secrets`.

    `.env` has been read into `environ` before, so services are told to read none (ENV_FILE is empty).
    """
    declared = {name.upper(): field.annotation for name, field in Environment.model_fields.items()}
    left_out = OF_MAKE | OF_THE_LAUNCHER | found.keys()
    kept = {name: value for name, value in environ.items() if name.upper() not in left_out}
    result: dict[str, str] = {}
    for name, value in {**kept, **found}.items():
        known = name.upper()
        if known in declared:
            if value and (_is_secret(declared[known]) or _has_password(value)):
                result[f"{known}_FILE"] = str(write_secret(secrets / known.lower(), value))
            else:
                result[name] = value
        elif known.endswith("_FILE") or not LOOKS_SECRET.search(known):
            result[name] = value
    return {**result, "ENV_FILE": "", "PYTHONUNBUFFERED": "1"}


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


def _has_password(value: str) -> bool:
    if "://" not in value:
        return False
    try:
        return bool(urlsplit(value).password)
    except ValueError:
        return True
