"""The verbs of identity: browsers, one-time codes, customers, passkeys, remembered browsers.

Each runs inside its caller's transaction.
"""

from app.identity.actions import browsers, codes, customers, passkeys, remembered

__all__ = ["browsers", "codes", "customers", "passkeys", "remembered"]
