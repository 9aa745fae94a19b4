"""Migrations written as SQL, run by Piccolo's migration command in one transaction each."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.engine.postgres import PostgresEngine


class SqlMigration:
    """A migration module's `forwards`: called by Piccolo, answers a manager that runs `sql` as one script.

    Keys of tenant tables are composite, which Piccolo's own operations cannot write; so the history is SQL.
    """

    def __init__(self, migration_id: str, description: str, sql: str) -> None:
        self.migration_id = migration_id
        self.description = description
        self.sql = sql

    async def __call__(self) -> MigrationManager:
        manager = MigrationManager(
            migration_id=self.migration_id, app_name="kolme", description=self.description
        )
        manager.add_raw(self._run)
        return manager

    async def _run(self) -> None:
        engine = engine_finder()
        if not isinstance(engine, PostgresEngine):
            raise TypeError("migrations run on PostgreSQL")
        transaction = engine.current_transaction.get()
        if transaction is None:
            raise RuntimeError("a migration runs inside Piccolo's transaction")
        await transaction.connection.execute(self.sql)
