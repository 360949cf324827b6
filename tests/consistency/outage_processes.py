"""The steps of the processes (looks at the outbox, the relay) and of Redis (lost, restarted, cut off, delayed)."""

from __future__ import annotations

from tests.consistency.outage_state import MARK, NONE, Process, Redis, Scenario, State
from tests.consistency.outage_writers import UNDER_WAY, Steps, bumped, held

LOOKS_WRONG = {"mark-from-end", "look-before-answer"}


class Processes:
    """What processes and their relay may do next."""

    def __init__(self, scenario: Scenario, rules: frozenset[str]) -> None:
        self._scenario = scenario
        self._rules = rules

    def steps(self, state: State) -> Steps:
        """A look at the outbox asks Redis for its time, reads the committed rows, bumps their tags, deletes exactly
        those, and leaves its mark, which ends some time after that time. The relay and the others do it alike.

        A mark that ends, and a look that takes so long that it leaves none, are followed only where a write waits for
        that: else it is as if there had been another look in time.
        """
        if self._scenario.monotonic:
            return  # nothing is ever in the outbox
        by_answers = "answers" in self._rules
        for index in self._scenario.looks:
            process, relay = state.processes[index], index == self._scenario.relay
            looks = self._looks if not by_answers else self._relays if relay else self._serves
            for label, after in looks(state, index, process):
                yield f"{'relay' if relay else f'p{index}'} {label}", after
        if state.waited_for(MARK):
            yield "the mark ends", state.unmarked()

    def _looks(self, state: State, index: int, process: Process) -> Steps:
        if process.phase == "cold":
            if state.rows or not state.mark or self._rules & LOOKS_WRONG:  # else it would only make the mark last
                yield from self._begins(state, index)
            return
        if process.phase == "peeked" and state.reaches(index):
            yield "gets an answer", self._with_rows(state, index, process.rows)
        elif process.phase in UNDER_WAY:
            yield from self._drains(state, index, process)
            if state.waited_for(index):
                yield "takes long", state.with_process(index, process._replace(late=True))
        if not state.reaches(index):
            yield "gives up", state.with_process(index, Process())

    def _begins(self, state: State, index: int) -> Steps:
        if "look-before-answer" in self._rules:
            yield "reads the outbox", state.with_process(index, Process("peeked", state.rows))
        elif state.reaches(index) and "mark-without-drain" in self._rules:
            yield "leaves a mark", state.marked(index)
        elif state.reaches(index):
            yield "looks at the outbox", self._with_rows(state, index, state.rows)

    def _with_rows(self, state: State, index: int, rows: frozenset[int]) -> State:
        """Without rows there is nothing to do between the look and its mark; only a mutant tells them apart."""
        if rows or "mark-from-end" in self._rules:
            return state.with_process(index, Process("read", rows))
        return state.marked(index)

    def _drains(self, state: State, index: int, process: Process) -> Steps:
        if not process.rows:
            yield "leaves its mark", self._over(state, index, process)
        elif process.phase == "bumped":
            rows = state.rows - process.rows
            if "delete-up-to-newest" in self._rules:
                rows = frozenset(row for row in state.rows if row > max(process.rows))
            yield "deletes the rows", self._over(state._replace(rows=rows), index, process)
        elif "delete-before-bump" in self._rules and process.rows & state.rows:
            yield "deletes the rows", state._replace(rows=state.rows - process.rows)
        elif state.reaches(index):
            yield "bumps the rows' tags", bumped(state).with_process(index, process._replace(phase="bumped"))

    def _over(self, state: State, index: int, process: Process) -> State:
        """A look is over; where trust means answers, a process that has drained trusts them from now on."""
        if "answers" in self._rules:
            return state.with_process(index, Process("cold" if index == self._scenario.relay else "trusted"))
        return state.with_process(index, Process()) if process.late or not state.reaches(index) else state.marked(index)

    # Where trust means answers

    def _serves(self, state: State, index: int, process: Process) -> Steps:
        """A process asks Redis, drains, and trusts it for as long as it is answered."""
        if process.phase == "cold" and state.reaches(index):
            after = Process("read", state.rows) if state.rows else Process("trusted")
            yield "gets an answer, reads the outbox", state.with_process(index, after)
        elif process.phase in UNDER_WAY:
            yield from self._drains(state, index, process)
        if process.phase == "trusted" or not state.reaches(index):
            yield "trusts Redis no more", state.with_process(index, Process())

    def _relays(self, state: State, index: int, process: Process) -> Steps:
        if process.phase == "cold" and state.rows:
            yield "reads the outbox", state.with_process(index, Process("read", state.rows))
        elif process.phase in UNDER_WAY:
            yield from self._drains(state, index, process)
        if process.phase == "bumped":
            yield "stops", state.with_process(index, Process())


NEW = 0
"""An epoch to be numbered."""


class Outages:
    """What may happen to Redis and to the way there."""

    def __init__(self, scenario: Scenario, rules: frozenset[str]) -> None:
        self._scenario = scenario
        self._rules = rules

    def steps(self, state: State) -> Steps:
        """Every fault that is left, and the end of those under way."""
        if state.up:
            yield from self._lapses(state)
            yield from self._late(state)
        yield from self._losses(state)
        yield from self._restarts(state)
        yield from self._away(state)

    def _lapses(self, state: State) -> Steps:
        """A hold's deadline is longer than any COMMIT may take; a slow writer's ends early only as a loss."""
        for index in state.redis.holders:
            if state.writers[index].step != "held" and index not in state.landing:
                after = bumped(state, index)
                if "lapse-keeps-generation" in self._rules:
                    after = state._replace(redis=state.redis._replace(holders=state.redis.holders - {index}))
                yield f"w{index}'s hold lapses", after

    def _late(self, state: State) -> Steps:
        for kind, index in state.late:
            after = held(state, index) if kind == "hold" else bumped(state, index)
            yield f"w{index}'s {kind} is carried out late", after._replace(late=state.late - {(kind, index)})

    def _losses(self, state: State) -> Steps:
        if not (state.up and state.faults.losses):
            return
        after = self._holds_lost(state.without(losses=1))
        yield "the tag is lost, or Redis flushed", after.carried_out(holders=NONE)

    def _restarts(self, state: State) -> Steps:
        """All connections break; the first new one finds another server identity and sets a new epoch."""
        if not state.faults.restarts:
            return
        after = self._holds_lost(state.without(restarts=1))._replace(up=True, late=frozenset())
        yield "Redis restarts empty", self._restarted(after.unmarked().superseded(Redis(NEW, 1, NONE, None)))
        assert state.snapshot is not None
        same = after._replace(redis=state.snapshot)
        if "no-epoch" not in self._rules:
            same = after.unmarked().superseded(state.snapshot._replace(epoch=NEW, entry=None))
        yield "Redis restarts from its snapshot", self._restarted(same)
        if state.faults.saves and state.up:
            yield "Redis saves a snapshot", state.without(saves=1)._replace(snapshot=state.redis)

    def _restarted(self, state: State) -> State:
        """Without another restart nobody needs the snapshot, nor any number but the present ones."""
        if state.faults.restarts:
            return state
        readers = tuple(
            reader._replace(signature=(1, 1) if reader.signature == state.redis.signature else None)
            for reader in state.readers
        )
        redis = state.redis._replace(epoch=1, generation=1)
        return state._replace(redis=redis, readers=readers, snapshot=None)

    def _away(self, state: State) -> Steps:
        if not state.up:
            yield "Redis is back", state._replace(up=True)
        elif state.faults.outages:
            yield "Redis is away", state.without(outages=1)._replace(up=False)
        if state.cut:
            yield "the network is whole again", state._replace(cut=NONE)
        elif state.faults.cuts:
            for cut in self._scenario.cut:
                yield f"cut off: {sorted(cut)}", state.without(cuts=1)._replace(cut=cut)

    def _holds_lost(self, state: State) -> State:
        writers = tuple(
            writer._replace(hold="lost") if writer.hold == "placed" and not writer.version else writer
            for writer in state.writers
        )
        return state._replace(writers=writers)
