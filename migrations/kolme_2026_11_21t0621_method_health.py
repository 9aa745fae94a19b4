"""How the ways to pay that a provider settles are doing right now."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The health of the ways to pay"

SQL = """
-- One row a provider's method; without one nothing is known, which is well. Wall time. `failures` rises by one with
-- each call that nobody answered and falls by one with each that was: app/payments/health.py says what follows.
-- `noted_at` is when a call or a probe last had a say: what nobody has looked at for long says nothing any more.
CREATE TABLE method_health (
    method    text PRIMARY KEY CHECK (method IN ('card', 'mobilepay')),
    state     text NOT NULL CHECK (state IN ('up', 'shaky', 'down')),
    since     timestamptz NOT NULL,
    failures  integer NOT NULL CHECK (failures BETWEEN 0 AND 8),
    reason    text CHECK (length(reason) BETWEEN 1 AND 50),
    noted_at  timestamptz NOT NULL,
    probed_at timestamptz
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
