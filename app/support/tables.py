"""Feedback and its news. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, SmallInt, Text, Timestamptz
from piccolo.table import Table


class Feedback(Table, tablename="feedback"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    session_id = UUID(default=None)
    outcome = Text(default=None)
    ease = SmallInt(default=None)
    words = Text(null=True, default=None)
    lang = Text(default=None)
    at = Timestamptz(default=None)


class FeedbackNews(Table, tablename="feedback_news"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    lang = Text(default=None)
    words = Text(default=None)
    at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
