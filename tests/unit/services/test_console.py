"""What is shown and kept of the logs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.services import console
from config.services.console import Console, LogFile, wants_colour
from tests.services.waiting import wait_until


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe, closed after the test."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_lines_carry_padded_names_and_are_kept_in_files(tmp_path: Path, pipe: tuple[int, int]) -> None:
    """The terminal gets the name before each line, the file the line alone."""
    shown = Console(pipe[1], logs=tmp_path, names=("web", "worker"), colour=False)
    shown.sink("web")("hello")
    shown.sink("worker")("größe")
    shown.say("ready")
    shown.close()
    assert os.read(pipe[0], 1000).decode() == "web    | hello\nworker | größe\nready\n"
    assert (tmp_path / "web.log").read_text() == "hello\n"


def test_names_are_coloured_on_request(tmp_path: Path, pipe: tuple[int, int]) -> None:
    """Each service has its own colour, which ends before the line."""
    shown = Console(pipe[1], logs=tmp_path, names=("web", "beat"), colour=True)
    assert shown.prefix("web") == "\033[36mweb  | \033[0m"
    assert shown.prefix("beat") != shown.prefix("web")
    shown.close()


def test_a_pipe_wants_no_colour(pipe: tuple[int, int]) -> None:
    """Only a terminal does."""
    assert not wants_colour(pipe[1])


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org: any value that is not empty."""
    primary, terminal = os.openpty()
    try:
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert wants_colour(terminal)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not wants_colour(terminal)
    finally:
        os.close(primary)
        os.close(terminal)


def test_a_reader_who_stops_reading_holds_up_no_service(
    tmp_path: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full pipe blocks the console's own thread; lines go on into the files, and the end does not wait for ever."""
    monkeypatch.setattr(console, "FLUSH_TIMEOUT", 0.05)
    shown = Console(pipe[1], logs=tmp_path, names=("web",), colour=False)
    sink = shown.sink("web")
    lines = console.WAITING_LINES + 2_000
    for _ in range(lines):
        sink("x" * 100)
    shown.close()
    assert (tmp_path / "web.log").read_text().count("\n") == lines
    os.set_blocking(pipe[0], False)
    wait_until(lambda: _drained(pipe[0]), what="the console's thread has ended")


def _drained(reader: int) -> bool:
    """Read what there is; true once no console writes any more."""
    with suppress(BlockingIOError):
        os.read(reader, 1 << 16)
    return not any(thread.name == "console" for thread in threading.enumerate())


def test_a_reader_who_is_gone_is_no_error(tmp_path: Path) -> None:
    """`make run | head` closes the pipe; the site goes on."""
    end, output = os.pipe()
    os.close(end)
    shown = Console(output, logs=tmp_path, names=("web",), colour=False)
    shown.say("nobody reads this")
    shown.say("nor this")
    shown.close()
    os.close(output)


def test_a_log_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its size it becomes the one before; a new run starts a new file too."""
    monkeypatch.setattr(console, "LARGEST_LOG", 20)
    log = LogFile(tmp_path / "web.log")
    for number in range(9):
        log.write(f"line {number}")
    log.close()
    assert (tmp_path / "web.log").read_text() == "line 6\nline 7\nline 8\n"
    LogFile(tmp_path / "web.log").close()
    assert (tmp_path / "web.log.1").read_text() == "line 6\nline 7\nline 8\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1"]
