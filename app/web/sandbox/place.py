"""What the sandbox's handlers have to know of the deployment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """`bank_issuer` is the bank that vouches for the sandbox's people; `database_url` is for those who
    listen."""

    base_url: str
    bank_issuer: str
    database_url: str = field(repr=False)
