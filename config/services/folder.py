"""VAR_DIR: the one folder that the launcher and all that it starts write to, held by one launcher at a time."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from config.services.service import ServiceError

# A unix socket's path has to fit 104 bytes on macOS and 108 on Linux, the name of PostgreSQL's socket included.
LONGEST_SOCKETS = 84
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # what needs no quoting in redis://, postgres:// and celery's addresses
WAIT_FOR_GUARDS = 15.0  # seconds: a killed launcher's guards need some to stop their programs


class VarDir:
    """The folder. Enter it to hold its lock: the guards inherit it, so it is free once all programs are gone."""

    def __init__(self, path: Path) -> None:
        """Create the folder, closed to others. Raises ServiceError when it is not safe or cannot be written to."""
        self.path = path
        self._lock: int | None = None
        self._short: Path | None = None
        try:
            with suppress(FileExistsError):
                path.mkdir(mode=0o700, parents=True)
            _require_trusted(path)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            raise ServiceError(f"VAR_DIR: cannot write to {path} ({error.strerror})") from None

    def __enter__(self) -> Self:
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._acquire(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._lock = descriptor
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._short is not None:
            (self.path / "sockets").unlink(missing_ok=True)
            shutil.rmtree(self._short, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def lock(self) -> int:
        """The lock's descriptor, for guards to hold too."""
        if self._lock is None:
            raise ServiceError(f"VAR_DIR: {self.path} is not locked")
        return self._lock

    def _acquire(self, descriptor: int) -> None:
        deadline = time.monotonic() + WAIT_FOR_GUARDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                if _alive(holder) or time.monotonic() > deadline:
                    message = f"VAR_DIR: {self.path} is in use by another run (process {holder or 'unknown'})"
                    raise ServiceError(f"{message}: stop it, or set another VAR_DIR and PORT") from None
                time.sleep(0.1)
            else:
                return

    def sockets(self) -> Path:
        """A folder for unix sockets whose path is short and plain: in VAR_DIR, else among temporary files."""
        folder = self.path / "sockets"
        if len(os.fsencode(folder)) <= LONGEST_SOCKETS and PLAIN.fullmatch(str(folder)):
            return private_folder(folder)
        self._short = self._linked(folder)
        return private_folder(self._short)

    def _linked(self, link: Path) -> Path:
        """The folder that `link` points to; one left by a killed run is used again if it is still ours alone."""
        if link.is_symlink():
            old = link.readlink()
            if _is_ours(old):
                return old
            link.unlink()
        base = tempfile.gettempdir()
        if len(os.fsencode(base)) > LONGEST_SOCKETS - 20 or not PLAIN.fullmatch(base):
            base = "/tmp"  # noqa: S108  # mkdtemp makes a private folder in it
        made = Path(tempfile.mkdtemp(prefix="site-", dir=base))
        link.symlink_to(made)
        return made

    def secret(self, name: str) -> Path:
        """The file of a secret that is made up once and kept, mode 0600."""
        return made_up_secret(self.path / "secrets" / name)


def private_folder(path: Path) -> Path:
    """Create a folder that only we may enter, or close one that is there. Returns the path."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def made_up_secret(path: Path) -> Path:
    """The file of a secret of 96 random bits (RFC 4648's URL-safe letters), made when it is not there."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(12))
    return path


def write_secret(path: Path, value: str) -> Path:
    """Write `value` to a file that only we can read; a reader sees all of it or nothing. Returns the path."""
    private_folder(path.parent)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_text(value, encoding="utf-8")
    fresh.replace(path)
    return path


def _require_trusted(path: Path) -> None:
    """Raise ServiceError when somebody else could replace what lies in the folder."""
    status = path.stat()
    if status.st_uid not in {0, os.geteuid()}:
        raise ServiceError(f"VAR_DIR: {path} belongs to another user (uid {status.st_uid}): choose another folder")
    if status.st_mode & stat.S_IWOTH:
        raise ServiceError(f"VAR_DIR: everybody may write to {path}: choose a folder that only you can change")


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _is_ours(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
