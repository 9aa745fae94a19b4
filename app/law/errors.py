"""What the law files cannot answer."""

from datetime import date
from typing import ClassVar

from app.kernel.errors import Refusal


class CountryNotServed(Refusal):
    code: ClassVar[str] = "country_not_served"

    def __init__(self, country: str) -> None:
        super().__init__()
        self.country = country


class ClaimUnknown(Refusal):
    """No figure of that key wants an operator's word: there is none, or it is primary already."""

    code: ClassVar[str] = "law_claim_unknown"

    def __init__(self, country: str, key: str) -> None:
        super().__init__(f"{country} {key}")
        self.country = country
        self.key = key


class WordRefused(Refusal):
    """An operator's word that cannot be kept: `field` is "by" (1 to 200 characters) or "source" (at most 500)."""

    code: ClassVar[str] = "law_word_refused"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class FigureUnknown(Refusal):
    """No figure of that key is in force on that day: whoever needs it must not guess."""

    code: ClassVar[str] = "law_figure_unknown"

    def __init__(self, country: str, key: str, on: date) -> None:
        super().__init__()
        self.country = country
        self.key = key
        self.on = on
