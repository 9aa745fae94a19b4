"""Whom we believe when we call somebody over TLS: the authorities that this machine trusts."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """One for the process, never altered: reading the certificate store takes longer than a request."""
    return ssl.create_default_context()
