"""The account that PostgreSQL runs under: our own, or `nobody` when we are root, whom PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from config.services.folder import private_folder
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
        private_folder(path)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def for_postgres(*, binaries: Path) -> Account:
    """The account to run PostgreSQL under, able to reach its programs and its data.

    As root that is `nobody` through setpriv(1), with the one capability that leads it through folders that are closed
    to others. Other programs of `nobody` lack it: they reach neither the data nor the socket, which lie in folders of
    root's, nor the running server, whose memory and /proc entries are closed to processes that have fewer capabilities
    (ptrace(2)). Raises ServiceError when that cannot be done here.
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
    kept = f"-all,+{_capability(binaries / 'postgres')}"
    prefix += [f"--{kind}-caps={kept}" for kind in ("inh", "ambient")] + [f"--bounding-set={kept}"]
    # Without this bit access(2), by which postgres looks at its own binary, ignores capabilities.
    prefix.append("--securebits=+no_setuid_fixup")
    return Account((*prefix, "--"), entry.pw_uid, entry.pw_gid)


def _capability(program: Path) -> str:
    """The least capability with which `nobody` can run `program` and pass through closed folders."""
    for_all = program.stat().st_mode & stat.S_IXOTH
    held = _held_capabilities()
    for name in ["dac_read_search", "dac_override"] if for_all else ["dac_override"]:
        if held >> CAPABILITIES[name] & 1:
            return name
    raise ServiceError(
        f"PostgreSQL refuses to run as root, and root cannot lead its user {NOBODY} to its data here"
        " (the capability dac_override is missing): run as another user"
    )


def _held_capabilities() -> int:
    """Our own effective capabilities as a bit set (proc(5)); all of them where there is no /proc."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return -1
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return int(line.split()[1], 16)
