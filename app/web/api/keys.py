"""Who is calling: the merchant of a Bearer key, and what time it is there. One query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from app.kernel import clock
from app.merchants.queries import Merchant, authenticate_key
from app.settings import Settings
from app.web.api.problems import Unauthorized

if TYPE_CHECKING:
    from litestar import Request

# As `merchants.actions.create_api_key` makes them: a mark of the mode, then 256 bits.
_KEY: Final = re.compile(r"[Bb]earer (sk_(test|live)_[A-Za-z0-9_-]{43})")


# Both are made here, so there is nothing to validate; and the framework could not.
TheSettings: TypeAlias = NamedDependency[SkipValidation[Settings]]


@dataclass(frozen=True, slots=True)
class Caller:
    """A shop's program. `now` is business time of this request."""

    merchant: Merchant
    now: datetime

    @property
    def actor(self) -> str:
        return "api"


TheCaller: TypeAlias = NamedDependency[SkipValidation[Caller]]


async def caller(request: Request[Any, Any, Any], settings: TheSettings) -> Caller:
    """Raises Unauthorized: no key, several, one of the other mode, unknown, revoked, over its time."""
    given = request.headers.getall("authorization", [])
    match = _KEY.fullmatch(given[0]) if len(given) == 1 else None
    if match is None or match[2] != settings.mode:
        raise Unauthorized
    found = await authenticate_key(match[1])
    if found is None:
        raise Unauthorized
    return Caller(found.merchant, clock.business(found.offset_s))
