"""The account that PostgreSQL runs under: our own, or `nobody` when we are root, whom PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from config.services.service import ServiceError

NOBODY = "nobody"
# capabilities(7), by their number: what lets an account through folders that are closed to it.
CAPABILITIES = {"dac_override": 1, "dac_read_search": 2}


@dataclass(frozen=True)
class Account:
    """Who a program runs as: `prefix` goes before its command; `uid` and `gid` are None for ourselves."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def own_folder(self, path: Path) -> None:
        """Create a folder that is this account's alone."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)


def for_postgres(*, binaries: Path, data: Path) -> Account:
    """The account to run PostgreSQL under, able to reach its programs and its data.

    As root that is `nobody` through setpriv(1). Where folders on the way are closed to it (a checkout below a home of
    mode 0700) it keeps the one capability that opens them; no folder's mode is changed and nothing is copied.
    Raises ServiceError when that cannot be done here.
    """
    if os.geteuid() != 0:
        return Account()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServiceError("PostgreSQL refuses to run as root: run as another user, or install setpriv (util-linux)")
    try:
        entry = pwd.getpwnam(NOBODY)
    except KeyError:
        raise ServiceError("PostgreSQL refuses to run as root, and there is no user `nobody` to run it as") from None
    prefix = [setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--pdeathsig=KILL"]
    capability = _capability(binaries / "postgres", data)
    kept = f"-all,+{capability}" if capability else "-all"
    prefix += [f"--{kind}-caps={kept}" for kind in ("inh", "ambient")] + [f"--bounding-set={kept}"]
    if capability:
        # Without this bit access(2), by which postgres looks at its own binary, ignores capabilities.
        prefix.append("--securebits=+no_setuid_fixup")
    return Account((*prefix, "--"), entry.pw_uid, entry.pw_gid)


def _capability(program: Path, data: Path) -> str | None:
    """The least capability with which `nobody` can run `program` and reach `data`; None when it needs none."""
    if not program.stat().st_mode & stat.S_IXOTH:
        wanted = ["dac_override"]
    elif _open_to_all(program) and _open_to_all(data):
        return None
    else:
        wanted = ["dac_read_search", "dac_override"]
    held = _held_capabilities()
    for name in wanted:
        if held >> CAPABILITIES[name] & 1:
            return name
    raise ServiceError(
        f"PostgreSQL cannot run here as root: its user {NOBODY} cannot reach {program.parent} and {data};"
        " run as another user, or move both below folders that everybody may enter"
    )


def _open_to_all(path: Path) -> bool:
    """Whether everybody may enter every folder above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents if parent.exists())


def _held_capabilities() -> int:
    """Our own effective capabilities as a bit set (proc(5)); all of them where there is no /proc."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return -1
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return int(line.split()[1], 16)
