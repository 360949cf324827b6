"""The steps of the writers: hold, COMMIT, bump, the outbox, the wait; and what becomes of writers that are killed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.consistency.outage_state import MARK, NONE, Scenario, State, Writer

Steps = Iterator[tuple[str, State]]
ENDED = {"done", "raised", "dead", "owes"}
UNDER_WAY = {"read", "bumped"}
PROCESS = 0
"""The process in which the writers run."""


def held(state: State, index: int) -> State:
    """Redis carries out a hold."""
    return state._replace(redis=state.redis._replace(holders=state.redis.holders | {index}))


def bumped(state: State, *let_go: int) -> State:
    """Redis carries out a bump, which lets go of a writer's own hold."""
    return state.carried_out(holders=state.redis.holders - {*let_go})


class Writers:
    """What writers may do next, under `rules`: the protocol's options and a mutant's flaw."""

    def __init__(self, scenario: Scenario, rules: frozenset[str]) -> None:
        self._scenario = scenario
        self._rules = rules

    def steps(self, state: State) -> Steps:
        """The next step of each writer, and its death."""
        for index, writer in enumerate(state.writers):
            if writer.step in {"done", "raised", "dead"}:
                continue
            step = getattr(self, f"_when_{writer.step.replace(' ', '_')}")
            for label, after in step(state, index, writer):
                yield f"w{index} {label}", after
            if state.faults.kills and writer.step not in ENDED:
                yield f"w{index} is killed", self._ended(state.without(kills=1), index, "dead")
        for index in state.landing:
            settled = state._replace(landing=state.landing - {index})
            yield f"w{index}'s COMMIT lands", self._lands(settled, index)
            yield f"w{index}'s COMMIT is undone", settled

    # Hold

    def _when_begins(self, state: State, index: int, writer: Writer) -> Steps:
        planned = writer._replace(step="held", row="no-outbox" not in self._rules)
        if "no-hold" in self._rules:
            yield "begins", state.with_writer(index, writer._replace(step="held"))
            return
        if not self._scenario.monotonic:
            yield "finds its breaker open", state.with_writer(index, planned)
        if not state.reaches(PROCESS):
            yield "cannot hold", state.with_writer(index, planned)
            return
        yield "holds", held(state, index).with_writer(index, writer._replace(step="held", hold="placed"))
        if state.faults.lost_answers:
            failed = state.without(lost_answers=1).with_writer(index, planned)
            yield "holds, answer lost", held(failed, index)
            yield "holds, delayed", failed._replace(late=failed.late | {("hold", index)})

    # COMMIT

    def _when_held(self, state: State, index: int, writer: Writer) -> Steps:
        if "bump-before-commit" in self._rules and state.reaches(PROCESS):
            state = bumped(state, index)
        yield "commits", self._takes_effect(state, index, "committed")
        if state.faults.rollbacks:
            yield "rolls back", state.without(rollbacks=1).with_writer(index, writer._replace(step="undone"))
        if state.faults.lost_commits:
            unknown = state.without(lost_commits=1).with_writer(index, writer._replace(step="unknown"))
            yield "loses COMMIT's answer", unknown._replace(landing=unknown.landing | {index})

    def _takes_effect(self, state: State, index: int, step: str) -> State:
        writer, version = state.writers[index], state.database + 1
        rows = state.rows | {index} if writer.row else state.rows
        state = state._replace(database=version, rows=rows)
        return state.with_writer(index, writer._replace(step=step, version=version))

    def _when_undone(self, state: State, index: int, writer: Writer) -> Steps:
        let_go = state.redis._replace(holders=state.redis.holders - {index})
        after = state._replace(redis=let_go) if state.reaches(PROCESS) else state
        yield "lets go", after.with_writer(index, Writer("done"))

    def _when_unknown(self, state: State, index: int, writer: Writer) -> Steps:
        """New generations, and the hold once more: the first one may have been lost."""
        if writer.hold == "none" or not state.reaches(PROCESS):
            yield "raises", self._ended(state, index, "raised")
        elif "unknown-is-failure" in self._rules:
            let_go = state.redis._replace(holders=state.redis.holders - {index})
            yield "lets go, raises", self._ended(state._replace(redis=let_go), index, "raised")
        elif "unknown-is-success" in self._rules:
            yield "bumps, raises", self._ended(bumped(state, index), index, "raised")
        else:
            yield "supersedes", bumped(state).with_writer(index, writer._replace(step="superseded"))

    def _when_superseded(self, state: State, index: int, writer: Writer) -> Steps:
        yield "raises", self._ended(state, index, "raised")
        if state.reaches(PROCESS):
            state = held(state, index).with_writer(index, writer._replace(hold="placed"))
            yield "holds anew, raises", self._ended(state, index, "raised")

    def _lands(self, state: State, index: int) -> State:
        step = state.writers[index].step
        state = self._takes_effect(state, index, step)
        return state if step in {"unknown", "superseded"} else self._ended(state, index, step)

    # Bump

    def _when_committed(self, state: State, index: int, writer: Writer) -> Steps:
        failed = state.with_writer(index, writer._replace(step="unbumped"))
        if "bump-before-commit" in self._rules:
            yield "returns", self._done(state, index)
        elif not state.reaches(PROCESS):
            yield "cannot bump", failed
        else:
            yield "bumps", bumped(state, index).with_writer(index, writer._replace(step="bumped"))
            if state.faults.lost_answers:
                failed = failed.without(lost_answers=1)
                yield "bumps, answer lost", bumped(failed, index)
                yield "bumps, delayed", failed._replace(late=failed.late | {("bump", index)})

    def _when_bumped(self, state: State, index: int, writer: Writer) -> Steps:
        yield "returns", self._done(state._replace(rows=state.rows - {index}), index)

    # Outbox and wait

    def _when_unbumped(self, state: State, index: int, writer: Writer) -> Steps:
        if self._rules & {"no-outbox", "no-wait"} or ("row-with-failed-hold-only" in self._rules and not writer.row):
            yield "returns", self._done(state, index)
            return
        inserted = state if writer.row else state._replace(rows=state.rows | {index})
        waiting = writer._replace(step="waits", row=True, unseen=self._unseen(state))
        yield "waits", inserted.with_writer(index, waiting)

    def _when_waits(self, state: State, index: int, writer: Writer) -> Steps:
        if self._wait_is_over(state, index, writer):
            yield "returns", self._done(state, index)

    def _when_owes(self, state: State, index: int, writer: Writer) -> Steps:
        if self._wait_is_over(state, index, writer):
            yield "would have returned", self._counts(state, index)

    def _unseen(self, state: State) -> frozenset[int]:
        """The looks at the outbox that began before now, and may be believed for some time."""
        if self._rules & {"mark-never-ends", "answers"}:
            return NONE
        looks = {
            index for index, process in enumerate(state.processes) if process.phase in UNDER_WAY and not process.late
        }
        if "mark-from-end" in self._rules:
            looks.clear()
        return frozenset(looks | {MARK} if state.mark else looks)

    def _wait_is_over(self, state: State, index: int, writer: Writer) -> bool:
        """The row is drained, or the wait has passed, and with it every mark of a look that began before it."""
        if index not in state.rows:
            return True
        if "answers" not in self._rules:
            return not writer.unseen
        if state.reaches(self._scenario.relay):
            return False  # the relay is taken to drain in time when it reaches Redis
        trusting = UNDER_WAY | {"trusted"}
        return all(state.reaches(i) or state.processes[i].phase not in trusting for i in self._scenario.serves)

    # Ends

    def _done(self, state: State, index: int) -> State:
        version = state.writers[index].version
        return state._replace(returned=max(state.returned, version)).with_writer(index, Writer("done"))

    def _counts(self, state: State, index: int) -> State:
        version = state.writers[index].version
        return state._replace(returned=max(state.returned, version)).with_writer(index, Writer("dead"))

    def _ended(self, state: State, index: int, step: str) -> State:
        """A writer that is killed or raises, and owes what it committed to those who read from now on; where that is
        for the outbox to bring about, to those who read after its wait would have ended."""
        writer = state.writers[index]
        bump_made = writer.step == "bumped"
        if not writer.version:
            left = writer._replace(step=step) if index in state.landing else Writer(step)
            return state.with_writer(index, left)
        if writer.row and not bump_made:
            unseen = writer.unseen if writer.step == "waits" else self._unseen(state)
            return state.with_writer(index, writer._replace(step="owes", unseen=unseen))
        if writer.hold == "lost" and not bump_made and f"{step}-counts" not in self._rules:
            return state.with_writer(index, Writer(step))  # not promised, see LIMITS
        return self._counts(state, index)
