"""The tables declared for the query builder are the tables of the database."""

from __future__ import annotations

import importlib
import inspect
from collections import defaultdict
from pathlib import Path

import pytest
from piccolo.table import Table

from app.kernel import db as database

APP = Path(__file__).resolve().parents[2] / "app"
# How PostgreSQL calls what Piccolo declares.
_TYPES = {
    "ARRAY": "ARRAY",
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "BYTEA": "bytea",
    "DATE": "date",
    "DOUBLE PRECISION": "double precision",
    "INTEGER": "integer",
    "JSONB": "jsonb",
    "NUMERIC": "numeric",
    "SMALLINT": "smallint",
    "TEXT": "text",
    "TIMESTAMPTZ": "timestamp with time zone",
    "UUID": "uuid",
}


def declared() -> dict[str, type[Table]]:
    tables: dict[str, type[Table]] = {}
    for path in sorted(APP.glob("**/tables.py")):
        module = importlib.import_module(".".join(("app", *path.relative_to(APP).with_suffix("").parts)))
        for _, table in inspect.getmembers(module, inspect.isclass):
            if issubclass(table, Table) and table is not Table and table.__module__ == module.__name__:
                tables[table._meta.tablename] = table
    return tables


def _type_of(column: object) -> str:
    words = str(getattr(column, "column_type", "")).upper()
    return "ARRAY" if words.endswith("[]") or words == "ARRAY" else _TYPES[words.split("(")[0]]


@pytest.mark.usefixtures("db")
async def test_every_table_of_the_database_is_declared_column_by_column() -> None:
    rows = await database.fetch_all(
        """SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
           WHERE table_schema = 'public' AND table_name <> 'migration' ORDER BY table_name, ordinal_position"""
    )
    real: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for row in rows:
        real[row["table_name"]].append((row["column_name"], row["data_type"], row["is_nullable"] == "YES"))
    said = {
        name: [(c._meta.name, _type_of(c), c._meta.null) for c in table._meta.columns]
        for name, table in declared().items()
    }
    assert said == dict(real)


@pytest.mark.usefixtures("db")
async def test_every_foreign_key_restricts_and_has_an_index_to_find_its_rows() -> None:
    rows = await database.fetch_all(
        """SELECT c.conrelid::regclass::text AS "table", c.confdeltype::text AS on_delete,
                  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid
                          AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey) AS indexed,
                  c.conkey = ARRAY[1::int2] AS by_merchant, pg_get_constraintdef(c.oid) AS words
           FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace"""
    )
    assert rows
    assert {row["on_delete"] for row in rows} == {"r"}
    # These parents are never deleted nor looked up from the child: the index would only cost.
    never_deleted = ("REFERENCES quotes", "REFERENCES credit_decisions", "REFERENCES ledger_accounts")
    missing = [
        f"{row['table']}: {row['words']}"
        for row in rows
        if not row["indexed"] and not any(parent in row["words"] for parent in never_deleted)
    ]
    assert missing == []


@pytest.mark.usefixtures("db")
async def test_every_amount_has_a_check() -> None:
    rows = await database.fetch_all(
        r"""SELECT c.table_name, c.column_name FROM information_schema.columns c
            WHERE c.table_schema = 'public' AND c.column_name LIKE '%\_minor' AND c.data_type = 'bigint'
              AND NOT EXISTS (
                  SELECT FROM pg_constraint k
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                  WHERE k.contype = 'c' AND k.conrelid = c.table_name::regclass AND a.attname = c.column_name)"""
    )
    assert [tuple(row.values()) for row in rows] == []
