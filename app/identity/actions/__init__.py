"""The verbs of identity: browsers, one-time codes, customers. Each runs inside its caller's transaction."""

from app.identity.actions import browsers, codes, customers

__all__ = ["browsers", "codes", "customers"]
