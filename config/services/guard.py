"""The guard of one service: a small process between the launcher and a program that outlives neither.

Run by path, with nothing of the site imported: `guard.py STOP_SIGNAL GRACE FOLDER PROGRAM ARGUMENT…`.
Descriptor 0 is a socket to the launcher. The launcher writes `T` (stop: the signal, and after GRACE seconds
SIGKILL) or `K` (SIGKILL at once); the end of the file means that the launcher is gone, however it went, and counts
as `T`. The guard writes `pid N` when the program runs and `end N` when it has ended: its exit code, or minus its
signal. What the program leaves behind is killed: its process group, and on Linux also whatever left that group,
because the guard is a subreaper (prctl(2)) and so inherits every orphan below it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

LINK = 0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ORPHANED_GRACE = 3.0  # seconds for a program whose launcher is gone: nobody waits for its last answers
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LINUX = sys.platform == "linux"


def prctl(option: int, value: int) -> None:
    """Linux's prctl(2); nothing elsewhere, where the process group has to do."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def tell(text: str) -> None:
    """Write one line to the launcher, which may be gone."""
    try:
        os.write(LINK, f"{text}\n".encode())
    except OSError:
        return


def become(folder: str, program: list[str], guard: int) -> None:
    """In the forked child: turn into the program, in a process group of its own, with default signals."""
    try:
        os.setpgid(0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            return
        for number in (*STOPPING, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), LINK)
        os.closerange(3, 65536)
        os.chdir(folder)
        os.execvp(program[0], program)  # noqa: S606  # starting a program without a shell is what a guard is for
    except OSError as error:
        os.write(2, f"cannot start {program[0]}: {error.strerror}\n".encode())


class Guard:
    """Watches one program until nothing of it is left."""

    def __init__(self, program: int, *, stop_signal: int, grace: float, wake: int) -> None:
        self.program = program
        self.stop_signal = stop_signal
        self.grace = grace
        self.wake = wake
        self.returncode: int | None = None
        self.deadline: float | None = None
        self.sources = [LINK, wake]

    def run(self) -> int:
        """Wait for the program's end, by itself or told; then remove what it left. Returns its exit code."""
        while not self.reap():
            left = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
            ready, _, _ = select.select(self.sources, [], [], left)
            if LINK in ready:
                self.obey(os.read(LINK, 1))
            if self.wake in ready and set(os.read(self.wake, 64)) & set(STOPPING):
                self.stop(self.grace)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.signal(signal.SIGKILL)
                self.deadline += 1.0
        self.sweep()
        return -1 if self.returncode is None else self.returncode

    def obey(self, command: bytes) -> None:
        """Do what the launcher wrote."""
        if command == b"K":
            self.signal(signal.SIGKILL)
        elif command == b"T":
            self.stop(self.grace)
        else:
            self.sources.remove(LINK)
            self.stop(min(self.grace, ORPHANED_GRACE))

    def stop(self, grace: float) -> None:
        """Ask the program to end; the first deadline stays."""
        if self.deadline is None:
            self.deadline = time.monotonic() + grace
        os.kill(self.program, self.stop_signal)
        self.signal(signal.SIGCONT)  # a program that was paused could not hear the signal

    def signal(self, number: int) -> None:
        """Send a signal to the program and its process group."""
        for send in (os.kill, os.killpg):
            try:
                send(self.program, number)
            except (ProcessLookupError, PermissionError):
                continue

    def reap(self) -> bool:
        """Collect ended children, orphans among them; true once the program itself is one of them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return self.returncode is not None
            if pid == self.program:
                self.returncode = os.waitstatus_to_exitcode(status)

    def sweep(self) -> None:
        """Kill what the program left behind, down to the last descendant."""
        self.signal(signal.SIGKILL)
        while LINUX and (orphans := children(os.getpid())):
            for pid in orphans:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.reap()
            time.sleep(0.01)


def children(parent: int) -> list[int]:
    """The process ids of `parent`'s children, by /proc/<pid>/stat (proc(5): the fourth field is the parent)."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208  # pathlib would triple the guard's start-up
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as stat:  # noqa: PTH123  # as above
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry))
    return found


def main() -> None:
    """Start the program, watch it, end with it."""
    stop_signal, grace, folder, *program = sys.argv[1:]
    wake, wake_end = os.pipe()
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end)
    for number in (*STOPPING, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    me = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(folder, program, me)
        os._exit(127)
    tell(f"pid {pid}")
    guard = Guard(pid, stop_signal=int(stop_signal), grace=float(grace), wake=wake)
    tell(f"end {guard.run()}")


if __name__ == "__main__":
    main()
