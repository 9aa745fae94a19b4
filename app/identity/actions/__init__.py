"""The verbs of identity: browsers, one-time codes, customers, passkeys, remembered browsers, sessions of customers.

Each runs inside its caller's transaction; those of `account_sign_in` are one each.
"""

from app.identity.actions import account, browsers, codes, customers, passkeys, remembered

__all__ = ["account", "browsers", "codes", "customers", "passkeys", "remembered"]
