"""What the outage model is made of: the values that describe one moment, and the scenarios that bound the search.

Generations and epochs are numbers of which only equality counts: a new one is the smallest that nobody remembers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

T = TypeVar("T")
NONE: frozenset[int] = frozenset()
MARK = -1
"""Among processes: the mark in Redis that the latest of their looks has left."""


class Redis(NamedTuple):
    """What the server keeps. The entry is a value that is valid under the present epoch and generation: one of other
    generations can never be valid again, so it is left out."""

    epoch: int = 1
    generation: int = 1
    holders: frozenset[int] = NONE
    entry: int | None = 0

    @property
    def signature(self) -> tuple[int, int]:
        """What an entry must carry to be valid."""
        return self.epoch, self.generation


class Writer(NamedTuple):
    """`step`: begins, held, rolls back, committed, bumped, unbumped, waits, unknown, superseded; done, raised, dead,
    owes.

    `hold`: none, placed, or lost (gone before the COMMIT took effect). `row`: the outbox has or gets one. `unseen`:
    the looks that began before this writer's wait and may still be believed: of these processes, and the MARK.
    """

    step: str = "begins"
    hold: str = "none"
    row: bool = False
    version: int = 0
    unseen: frozenset[int] = NONE


class Reader(NamedTuple):
    """`step`: idle, missed, loaded, follows. `floor` is what a follower's value may not fall below."""

    step: str = "idle"
    floor: int = 0
    value: int = 0
    signature: tuple[int, int] | None = None


class Process(NamedTuple):
    """`phase`: cold (no look at the outbox is under way), peeked, read, bumped; where trust means answers, trusted too.
    `rows` are those that the look has read. `late`: it takes so long that it will leave no mark."""

    phase: str = "cold"
    rows: frozenset[int] = NONE
    late: bool = False


class Faults(NamedTuple):
    """How many of each may still happen."""

    kills: int = 0
    losses: int = 0
    """The tag is evicted, Redis is flushed, or a slow writer's hold lapses before its COMMIT."""
    restarts: int = 0
    saves: int = 0
    outages: int = 0
    cuts: int = 0
    lost_commits: int = 0
    rollbacks: int = 0
    lost_answers: int = 0
    """A hold or bump counts as failed but is carried out, now or later."""


class Scenario(NamedTuple):
    """What is explored together. Readers are given by their process; writers belong to process 0; the last process
    is the relay. `cut`: the sets of processes that may be cut off from Redis."""

    faults: Faults
    writers: int = 1
    readers: tuple[int, ...] = (1,)
    processes: int = 3
    serves: tuple[int, ...] = (1,)
    """The processes whose reads are looked at."""
    looks: tuple[int, ...] = (1, 2)
    """The processes that look at the outbox."""
    cut: tuple[frozenset[int], ...] = ()
    monotonic: bool = False
    """Whether reads that do not overlap may not go backwards; promised while nothing is lost or cut off."""

    @property
    def relay(self) -> int:
        """The relay's index."""
        return self.processes - 1


class State(NamedTuple):
    """One moment. `late`: commands that Redis will still carry out. `mark`: somebody has looked at the outbox lately.
    `landing`: writers whose COMMIT is under way, its answer lost. `returned`: the newest value whose write has
    returned; `seen`: the newest that a read gave."""

    faults: Faults
    writers: tuple[Writer, ...]
    readers: tuple[Reader, ...]
    processes: tuple[Process, ...]
    redis: Redis = Redis()
    snapshot: Redis | None = None
    up: bool = True
    mark: bool = True
    cut: frozenset[int] = NONE
    late: frozenset[tuple[str, int]] = frozenset()
    landing: frozenset[int] = NONE
    database: int = 0
    rows: frozenset[int] = NONE
    returned: int = 0
    seen: int = 0
    stale: bool = False

    def reaches(self, process: int) -> bool:
        """Whether the process gets an answer from Redis."""
        return self.up and process not in self.cut

    def with_writer(self, index: int, writer: Writer) -> State:
        """This state with one writer changed."""
        return self._replace(writers=changed(self.writers, index, writer))

    def with_reader(self, index: int, reader: Reader) -> State:
        """This state with one reader changed."""
        return self._replace(readers=changed(self.readers, index, reader))

    def with_process(self, index: int, process: Process) -> State:
        """This state with one process changed; a look that is over or late leaves no mark any more."""
        state = self._replace(processes=changed(self.processes, index, process))
        return state._forgotten(index) if process.phase == "cold" or process.late else state

    def marked(self, index: int) -> State:
        """This state when a process has left the mark of its look. The mark of the later look stays: it is an old one
        for a wait for which both are old."""
        writers = tuple(
            writer._replace(unseen=writer.unseen | {MARK})
            if index in writer.unseen and (MARK in writer.unseen or not self.mark)
            else writer._replace(unseen=writer.unseen - {MARK})
            for writer in self.writers
        )
        return self._replace(mark=True, writers=writers).with_process(index, Process("cold"))

    def waited_for(self, look: int) -> bool:
        """Whether a write waits until this look is not believed any more."""
        return any(look in writer.unseen for writer in self.writers)

    def unmarked(self) -> State:
        """This state without the mark."""
        return self._replace(mark=False)._forgotten(MARK)

    def _forgotten(self, look: int) -> State:
        if not self.waited_for(look):
            return self
        writers = tuple(writer._replace(unseen=writer.unseen - {look}) for writer in self.writers)
        return self._replace(writers=writers)

    def without(self, **spent: int) -> State:
        """This state with faults used up."""
        left = {name: getattr(self.faults, name) - count for name, count in spent.items()}
        return self._replace(faults=self.faults._replace(**left))

    def carried_out(self, *, holders: frozenset[int]) -> State:
        """This state with a new generation, and these holders."""
        return self.superseded(self.redis._replace(holders=holders, entry=None))

    def superseded(self, redis: Redis) -> State:
        """This state with these contents of Redis under an epoch and a generation that have never been.

        Where nothing but a reader's signature could equal them again, that one is dropped instead: fewer states.
        """
        if self.snapshot is None and len(self.readers) == 1:
            readers = (self.readers[0]._replace(signature=None),)
            return self._replace(redis=redis._replace(epoch=1, generation=1), readers=readers)
        known = [reader.signature for reader in self.readers if reader.signature is not None]
        known += [kept.signature for kept in (self.redis, self.snapshot) if kept is not None]
        epoch = redis.epoch if redis.epoch == self.redis.epoch else _unused(number for number, _ in known)
        return self._replace(redis=redis._replace(epoch=epoch, generation=_unused(number for _, number in known)))


def changed(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    """The tuple with one item replaced."""
    return (*items[:index], item, *items[index + 1 :])


def _unused(used: Iterable[int]) -> int:
    number, taken = 1, set(used)
    while number in taken:
        number += 1
    return number
