"""Programs that tests fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from config.environment import BASE_DIR

SCRIPT = """
from tests.services.forked import Forked
print("once", flush=True)
with Forked("platform", "--terse", environment={}) as program:
    print(program.hear().count("-") > 0, program.finish(), flush=True)
"""


def test_a_script_that_forks_is_not_run_again(tmp_path: Path) -> None:
    """Also one that does not say `if __name__ == "__main__"`: in the program that it starts it would start another."""
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(BASE_DIR)!r})\n{SCRIPT}")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["once", "True", "0"]
