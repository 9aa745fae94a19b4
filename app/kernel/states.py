"""Life cycles: a graph of named edges, and one `move` that takes exactly the edge the caller expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kernel import db, ids

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class IllegalMove(Exception):
    """The graph has no such edge: a mistake in the program, not in what someone did."""

    def __init__(self, machine: str, from_state: str, to_state: str) -> None:
        super().__init__(f"{machine}: {from_state} -> {to_state}")
        self.machine = machine
        self.from_state = from_state
        self.to_state = to_state


class LostRace(Exception):
    """The thing was no longer in the expected state (or never existed): somebody else moved first."""

    def __init__(self, machine: str, subject_id: UUID, expected: str, to_state: str) -> None:
        super().__init__(f"{machine} {subject_id}: expected {expected}, wanted {to_state}")
        self.machine = machine
        self.subject_id = subject_id
        self.expected = expected
        self.to_state = to_state


@dataclass(frozen=True, slots=True)
class Also:
    """Further columns that change with a move, in its statement: "a = $10, b = $11", a constant of the program, and the
    values of its parameters, the first of which is $10."""

    sets: str
    values: tuple[object, ...] = ()


_NOTHING_ELSE = Also("")


class Machine:
    """A life cycle over a table with the columns merchant_id, id and state, and its INSERT-only history.

    `edges` maps (from, to) to the event that the edge is. A thing is born by its own INSERT plus `begin`.
    """

    __slots__ = ("_begin_sql", "_history", "_move_sqls", "_table", "edges", "name", "states")

    def __init__(
        self, name: str, table: str, history_table: str, edges: Mapping[tuple[str, str], str]
    ) -> None:
        for word in (table, history_table):
            if not _NAME.fullmatch(word):
                raise ValueError(f"{word!r} is no table name")
        self.name = name
        self.edges = dict(edges)
        self.states = frozenset(state for edge in edges for state in edge)
        self._table = table
        self._history = (
            f"{history_table} (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)"
        )
        self._move_sqls: dict[str, str] = {}
        self._begin_sql = f"INSERT INTO {self._history} VALUES ($1, $2, $3, NULL, $4, $5, $6, $7, $8)"  # noqa: S608

    def event(self, from_state: str, to_state: str) -> str:
        """The event of an edge. Raises `IllegalMove`."""
        try:
            return self.edges[from_state, to_state]
        except KeyError:
            raise IllegalMove(self.name, from_state, to_state) from None

    def targets(self, from_state: str) -> frozenset[str]:
        """The states one move away."""
        return frozenset(to for from_, to in self.edges if from_ == from_state)

    async def begin(
        self,
        merchant_id: UUID,
        subject_id: UUID,
        *,
        state: str,
        event: str,
        actor: str,
        at: datetime,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Write the first row of a history, in the transaction that inserts the thing in `state`."""
        if state not in self.states:
            raise ValueError(f"{self.name} has no state {state!r}")
        await db.execute(
            self._begin_sql, merchant_id, ids.internal_id(), subject_id, state, event, actor, at, detail or {}
        )

    def born_sql(self, insert: str, event: str) -> str:
        """A birth as one statement: `insert` of the thing, which ends in "RETURNING *", and the first row of its
        history. Of its parameters $1 is the history row's id, $2 the actor and $3 business time. Answers the thing,
        as `born`, where "SELECT ... FROM born" follows."""
        return (
            f"WITH born AS ({insert}), begun AS (INSERT INTO {self._history}"  # noqa: S608
            f" SELECT merchant_id, $1, id, NULL, state, '{event}', $2, $3, '{{}}' FROM born)"
        )

    def _move_sql(self, sets: str) -> str:
        # Table names cannot be parameters; these are constants of the program and were checked at the start.
        if sets not in self._move_sqls:
            self._move_sqls[sets] = (
                f"WITH moved AS (UPDATE {self._table} SET state = $4{sets and ', '}{sets}"  # noqa: S608
                " WHERE merchant_id = $1 AND id = $2 AND state = $3 RETURNING merchant_id, id)"
                f" INSERT INTO {self._history}"
                " SELECT merchant_id, $5, id, $3, $4, $6, $7, $8, $9 FROM moved RETURNING id"
            )
        return self._move_sqls[sets]

    async def move(
        self,
        merchant_id: UUID,
        subject_id: UUID,
        *,
        expected: str,
        to: str,
        actor: str,
        at: datetime,
        detail: Mapping[str, object] | None = None,
        also: Also = _NOTHING_ELSE,
    ) -> None:
        """Take one edge: the state changes and the history grows, in one statement of this transaction.

        Raises `IllegalMove` without asking the database when there is no such edge, and `LostRace` when the
        thing is not in `expected`; then nothing was written.
        """
        event = self.event(expected, to)
        db.require_transaction("Machine.move")
        moved = await db.fetch_value(
            self._move_sql(also.sets),
            merchant_id,
            subject_id,
            expected,
            to,
            ids.internal_id(),
            event,
            actor,
            at,
            detail or {},
            *also.values,
        )
        if moved is None:
            raise LostRace(self.name, subject_id, expected, to)

    def drawing(self) -> str:
        """The graph as a Mermaid state diagram, for the documents."""
        lines = [f"    {from_} --> {to}: {event}" for (from_, to), event in self.edges.items()]
        return "\n".join(["stateDiagram-v2", *lines])
