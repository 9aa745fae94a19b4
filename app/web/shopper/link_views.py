"""What the templates of a payment link are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.web.shopper.views import LineView

LinkEndKind = Literal["paid", "held", "paused", "withdrawn", "lapsed", "cancelled"]
LinkReturn = Literal["cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class LinkStartView:
    """A payment link whose order waits: ``url`` is where the press is sent to. ``missing`` names the fields that nobody
    knows, down the page, of which the ``optional`` ones may stay empty. ``begun`` says that this browser is on its way,
    ``ended`` that it comes back from a payment that came to nothing.
    """

    url: str
    version: int
    reference: str
    lines: Sequence[LineView]
    until: datetime | None
    zone: str
    missing: Sequence[str]
    optional: frozenset[str]
    country: str
    email_masked: str | None
    support_email: str
    begun: bool
    ended: LinkReturn | None = None


@dataclass(frozen=True, slots=True)
class LinkEndView:
    """A payment link by which nothing can be paid now."""

    kind: LinkEndKind
    support_email: str
