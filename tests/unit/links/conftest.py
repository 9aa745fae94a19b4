"""These tests share one clone a module."""

from tests.support.shared import database_url, modules_database

__all__ = ["database_url", "modules_database"]
