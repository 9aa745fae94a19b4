"""A shop's rule can be put away: it is asked of nothing and stands apart, and what it said before is still read."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Merchant's rules can be removed and restored"

SQL = """
ALTER TABLE risk_rules DROP CONSTRAINT risk_rules_mode_check;
ALTER TABLE risk_rules ADD CONSTRAINT risk_rules_mode_check CHECK (mode IN ('shadow', 'on', 'off', 'removed'));
ALTER TABLE risk_rule_versions DROP CONSTRAINT risk_rule_versions_mode_check;
ALTER TABLE risk_rule_versions ADD CONSTRAINT risk_rule_versions_mode_check
    CHECK (mode IN ('shadow', 'on', 'off', 'removed'));
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
