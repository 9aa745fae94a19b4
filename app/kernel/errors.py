"""The one base of everything the product refuses by rule."""

from typing import ClassVar


class Refusal(Exception):
    """A rule said no. `code` is stable and public; what a page needs to word it is in attributes. Knows no HTTP."""

    code: ClassVar[str] = "refused"
