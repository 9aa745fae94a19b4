"""A database that commits and then falls silent: the next COMMIT lands, and its answer is lost."""

from __future__ import annotations

import pytest

from app.kernel import db


def lose_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next COMMIT of this process happens, and whoever waits for it hears that the connection is gone."""
    commit = db.Transaction._commit

    async def lost(transaction: db.Transaction) -> None:
        monkeypatch.setattr(db.Transaction, "_commit", commit)
        await commit(transaction)
        raise db.ConnectionLost

    monkeypatch.setattr(db.Transaction, "_commit", lost)
