"""The steps of the readers. Reads of one step are not steps of the model: `old_hit` says what one would give now."""

from __future__ import annotations

from tests.consistency.outage_state import Reader, Scenario, State
from tests.consistency.outage_writers import Steps


class Readers:
    """What readers may do next. Each place for a reader is used by one slow read after the other."""

    def __init__(self, scenario: Scenario, rules: frozenset[str]) -> None:
        self._scenario = scenario
        self._rules = rules

    def hit(self, state: State, process: int) -> int | None:
        """The value that a read in this process would find in Redis now, if it would."""
        redis = state.redis
        if not self._believes(state, process):
            return None
        return None if redis.holders else redis.entry

    def _believes(self, state: State, process: int) -> bool:
        """Whether a read in this process may use what Redis has: it sees the mark in the same step."""
        if "answers" in self._rules:
            return state.reaches(process) and state.processes[process].phase == "trusted"
        return state.reaches(process) and (state.mark or "no-mark" in self._rules)

    def is_stale(self, state: State) -> bool:
        """Whether a read was stale, or one that began now and took no time would be."""
        floor = max(state.returned, state.seen)
        hits = (self.hit(state, process) for process in self._scenario.serves)
        return state.stale or any(value is not None and value < floor for value in hits)

    def steps(self, state: State) -> Steps:
        """The next step of each reader."""
        for index, reader in enumerate(state.readers):
            for label, after in getattr(self, f"_when_{reader.step}")(state, index, reader):
                yield f"r{index} {label}", after
        if self._scenario.monotonic:
            yield from self._quick_reads(state)

    def _quick_reads(self, state: State) -> Steps:
        """Reads of one step: in a process that has no trust yet, and in one that has."""
        for value in {state.database, *(self.hit(state, process) for process in self._scenario.serves)} - {None}:
            if value > state.seen:
                yield f"a quick read gives {value}", state._replace(seen=value)

    def _when_idle(self, state: State, index: int, reader: Reader) -> Steps:
        process = self._scenario.readers[index]
        if not self._believes(state, process) or state.redis.holders or self.hit(state, process) is not None:
            return
        signature = state.redis.signature
        yield "misses", state.with_reader(index, Reader("missed", signature=signature))
        if self._leader(state, index, {"missed", "loaded"}) is not None:
            floor = max(state.returned, state.seen)
            yield "misses and follows", state.with_reader(index, Reader("follows", floor, signature=signature))

    def _when_missed(self, state: State, index: int, reader: Reader) -> Steps:
        yield "loads", state.with_reader(index, reader._replace(step="loaded", value=state.database))

    def _when_loaded(self, state: State, index: int, reader: Reader) -> Steps:
        """A fill sent before the breaker opened may be carried out after it: only the connection counts here."""
        redis = state.redis
        current = reader.signature == redis.signature or "fill-unchecked" in self._rules
        state = self._gave(state, index, reader.value, 0)
        yield "does not fill", state
        if state.reaches(self._scenario.readers[index]) and current and not redis.holders:
            yield "fills", state._replace(redis=redis._replace(entry=reader.value))

    def _when_follows(self, state: State, index: int, reader: Reader) -> Steps:
        leader = self._leader(state, index, {"loaded"})
        if leader is not None and (leader.signature == reader.signature or "follower-unchecked" in self._rules):
            yield "takes its leader's value", self._gave(state, index, leader.value, reader.floor)
        elif self._leader(state, index, {"missed"}) is None:
            yield "asks again", state.with_reader(index, Reader())

    def _leader(self, state: State, index: int, steps: set[str]) -> Reader | None:
        """A reader of the same process whose load this one may share."""
        places = self._scenario.readers
        for other, reader in enumerate(state.readers):
            if other != index and places[other] == places[index] and reader.step in steps:
                return reader
        return None

    def _gave(self, state: State, index: int, value: int, floor: int) -> State:
        seen = max(state.seen, value) if self._scenario.monotonic else 0
        return state.with_reader(index, Reader())._replace(seen=seen, stale=state.stale or value < floor)
