"""VAR_DIR: its lock, its secrets, and a place for sockets."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from config.services.folder import LONGEST_SOCKETS, VarDir, write_secret
from config.services.service import ServiceError


def test_a_second_holder_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    """One clear line with the process that holds the folder; free again afterwards."""
    with VarDir(tmp_path), pytest.raises(ServiceError, match=f"in use by another run \\(process {os.getpid()}\\)"):
        VarDir(tmp_path).__enter__()
    with VarDir(tmp_path) as again:
        assert again.lock >= 0


def test_a_folder_whose_launcher_is_gone_is_free_once_its_guards_are(tmp_path: Path) -> None:
    """The lock is held by what inherited it; the next run waits for that instead of refusing."""
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    with VarDir(tmp_path) as first:
        os.pwrite(first.lock, dead.stdout, 0)
        # What it writes last: its end itself is to be seen only a moment after its files are closed.
        guard = subprocess.Popen(
            ["sh", "-c", "sleep 0.3; : > ended"],
            cwd=tmp_path,
            pass_fds=(first.lock,),
        )
    with guard, VarDir(tmp_path):
        assert (tmp_path / "ended").exists()


def test_sockets_are_in_var_dir_when_its_path_is_short(tmp_path: Path) -> None:
    """The usual case: nothing outside VAR_DIR."""
    base = Path("/tmp") / f"short-{os.getpid()}"
    with VarDir(base) as var_dir:
        assert var_dir.sockets() == base / "sockets"
    (base / "sockets").rmdir()
    (base / "lock").unlink()
    base.rmdir()


@pytest.mark.parametrize("name", ["d" * 120, "with space", "prozent%20", "größe"])
def test_sockets_of_a_long_or_odd_path_are_in_a_short_private_folder(tmp_path: Path, name: str) -> None:
    """Unix sockets refuse long paths, and addresses would need quoting; the folder is gone after the run."""
    with VarDir(tmp_path / name) as var_dir:
        folder = var_dir.sockets()
        assert len(str(folder)) <= LONGEST_SOCKETS
        assert folder.owner() == tmp_path.owner()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert var_dir.sockets() == folder
    assert not folder.exists()
    assert not (tmp_path / name / "sockets").is_symlink()


def test_a_short_folder_that_a_killed_run_left_is_used_again(tmp_path: Path) -> None:
    """Killed runs do not pile up folders; one that others could have prepared is not trusted."""
    path = tmp_path / ("d" * 120)
    left = VarDir(path).sockets()
    with VarDir(path) as var_dir:
        assert var_dir.sockets() == left
    left.mkdir(mode=0o777)
    left.chmod(0o777)
    (path / "sockets").symlink_to(left)
    with VarDir(path) as var_dir:
        assert var_dir.sockets() != left
    left.rmdir()


def test_a_secret_is_made_up_once(tmp_path: Path) -> None:
    """The second run finds the first one's; nobody else can read it."""
    path = VarDir(tmp_path).secret("demo_password")
    value = path.read_text()
    assert len(value) >= 16
    assert VarDir(tmp_path).secret("demo_password").read_text() == value
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_secret_is_replaced_whole(tmp_path: Path) -> None:
    """A reader at any moment finds one of the two values, and no other file is left."""
    for value in ("a longer value", "short"):
        write_secret(tmp_path / "given" / "name", value)
    assert [(path.name, path.read_text()) for path in (tmp_path / "given").iterdir()] == [("name", "short")]


def test_a_folder_that_we_make_is_closed_to_others() -> None:
    """Whatever the umask lets through; its sockets' folder too."""
    with TemporaryDirectory(dir="/tmp") as short:  # pytest's own folder may be too long for sockets
        before = os.umask(0)
        try:
            var_dir = VarDir(Path(short) / "var")
        finally:
            os.umask(before)
        assert stat.S_IMODE(var_dir.path.stat().st_mode) == 0o700
        (var_dir.path / "sockets").mkdir(mode=0o755)
        with var_dir:
            assert stat.S_IMODE(var_dir.sockets().stat().st_mode) == 0o700


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns it can replace what lies in it; nothing is written there."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(ServiceError, match=f"VAR_DIR: {tmp_path} belongs to another user"):
        VarDir(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    """Like /tmp itself: others could put links and sockets where ours are expected."""
    tmp_path.chmod(0o1777)
    with pytest.raises(ServiceError, match=f"VAR_DIR: everybody may write to {tmp_path}"):
        VarDir(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """The line names the variable, the path and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match=r"VAR_DIR: cannot write to .*/file/var \(Not a directory\)"):
        VarDir(tmp_path / "file" / "var")
