"""A postcode in its one written form (digits alone), by the format of its country."""

import re
import unicodedata
from typing import ClassVar, Final, Literal

from app.kernel.errors import Refusal

PostcodeReason = Literal["empty", "malformed", "country_not_served"]

_FORMATS: Final = {
    "FI": re.compile(r"([0-9]{5})"),
    "SE": re.compile(r"([1-9][0-9]{2}) ?([0-9]{2})"),
    "DK": re.compile(r"([0-9]{4})"),
    "BG": re.compile(r"([1-9][0-9]{3})"),
}
_LONGEST_TEXT: Final = 32


class PostcodeRefused(Refusal):
    """The text is no postcode of the country; `reason` says why."""

    code: ClassVar[str] = "postcode_refused"

    def __init__(self, reason: PostcodeReason) -> None:
        super().__init__()
        self.reason: PostcodeReason = reason


def parse_postcode(text: str, country: str) -> str:
    """The digits of a postcode: FI "00100", SE "11455" (typed with or without a space), DK "2100", BG "1000".

    Full-width digits and a leading country mark ("FI-00100") are understood. The format is checked, not
    whether the place exists. Raises PostcodeRefused.
    """
    pattern = _FORMATS.get(country)
    if pattern is None:
        raise PostcodeRefused("country_not_served")
    if len(text) > _LONGEST_TEXT:
        raise PostcodeRefused("malformed")
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    plain = " ".join(visible.split())
    if not plain:
        raise PostcodeRefused("empty")
    match = pattern.fullmatch(re.sub(rf"^{country}[- ]?", "", plain, flags=re.IGNORECASE))
    if match is None:
        raise PostcodeRefused("malformed")
    return "".join(match.groups())
