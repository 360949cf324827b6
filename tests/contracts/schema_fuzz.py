"""Schemathesis over the whole schema of a running site, with all its checks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from config.environment import BASE_DIR
from tests.services.site import PASSWORD

Who = Literal["stranger", "person", "staff"]
PEOPLE = {"person": ("ada", "grace"), "staff": ("admin",)}
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
METHODS = ["[phases.coverage]", 'unexpected-methods = ["QUERY"]']
"""One method that no route has, rather than eight of each."""
CHECKS = ["[checks.negative_data_rejection]", f"expected-statuses = {json.dumps(REFUSALS)}"]
"""Those of schemathesis, and 413: what is too long for its field may be too large for the route."""
RULES = BASE_DIR / "tests" / "contracts" / "schema_rules.py"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run found. `cases` are the requests that were made up; `explained` the refusals that a rule explains."""

    cases: int
    explained: int
    operations: int
    failures: list[Any]
    errors: list[Any]
    output: str


def fuzz(
    url: str,
    folder: Path,
    *,
    who: Who,
    phases: str,
    seed: int,
    timeout: float,
    mode: Literal["positive", "all"] = "all",
    examples: int = 1,
) -> Outcome:
    """Have schemathesis ask the site at `url` as `who`: what fits the schema, or also what does not. `examples` of each
    operation in the phases that draw them."""
    report = folder / f"{who}.json"
    configuration = folder / f"{who}.toml"
    configuration.write_text(_configuration(folder, who))
    given = {
        "checks": "all",
        "phases": phases,
        "mode": mode,
        "max-examples": str(examples),
        "seed": str(seed),
        "generation-database": "none",
        "suppress-health-check": "too_slow",  # that says how busy the machine is
        "report": "json",
        "report-json-path": str(report),
    }
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"]
    done = subprocess.run(
        [*command, f"{url}/api/schema", *options, "--continue-on-failure", "--no-shrink", "--no-color"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    output = done.stdout + done.stderr
    assert report.exists(), output
    found = json.loads(report.read_text())
    return Outcome(
        cases=found["test_cases"]["generated"],
        explained=found["filtered"]["total"] if isinstance(found["filtered"], dict) else found["filtered"] or 0,
        operations=found["operations"]["tested"],
        failures=found["failures"],
        errors=found["errors"],
        output=output,
    )


def _configuration(folder: Path, who: Who) -> str:
    """Whose credentials are sent. People of one kind must not see each other's things."""
    lines = [f"hooks = {json.dumps(str(RULES))}", *METHODS, *CHECKS]
    names = PEOPLE.get(who, ())
    if names:
        path = folder / f"{who}.auth.json"
        path.write_text(json.dumps({"auth": [_sign_in(name) for name in names]}))
        lines += ["[auth.wfc]", f"path = {json.dumps(str(path))}", f"user = {json.dumps(names[0])}"]
        lines += ["refresh_interval = 200"]
        lines += [f"peers = {json.dumps(list(names))}"] if len(names) > 1 else []
    return "\n".join(lines) + "\n"


def _sign_in(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "loginEndpointAuth": {
            "endpoint": "/api/auth/token",
            "verb": "POST",
            "contentType": "application/json",
            "payloadRaw": json.dumps({"username": name, "password": PASSWORD}),
            "token": {
                "extractFrom": "body",
                "extractSelector": "/access",
                "sendIn": "header",
                "sendName": "Authorization",
                "sendTemplate": "Bearer {token}",
            },
        },
    }
