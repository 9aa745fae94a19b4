"""What payment links refuse."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class LinkUnknown(Refusal):
    """The order has no payment link, or there is no such link."""

    code: ClassVar[str] = "not_found"


class LinkEnded(Refusal):
    """The link leads nowhere any more: it is `withdrawn`, `lapsed` or `used`, as `state` tells."""

    code: ClassVar[str] = "link_ended"

    def __init__(self, state: str) -> None:
        super().__init__(f"the link is {state}")
        self.state = state


class LinkPaused(Refusal):
    """The shop has paused the link: nothing is paid by it for now."""

    code: ClassVar[str] = "link_paused"


class ValidityRefused(Refusal):
    """The end that somebody asked for has passed already, or is further away than a link may hold."""

    code: ClassVar[str] = "validity_out_of_range"
