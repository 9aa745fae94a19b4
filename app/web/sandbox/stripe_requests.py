"""One request to the sandbox's Stripe, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from app.web.sandbox.stripe_rules import invalid


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the API. `fields` as they were sent, nested names in brackets."""

    method: str
    path: str
    fields: Mapping[str, str]
    key: str | None
    version: str | None


def asked(method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]) -> Asked:
    """Raises StripeError for a body that is no form."""
    try:
        pairs = parse_qsl(
            query if method == "GET" else body.decode(), keep_blank_values=True, max_num_fields=100
        )
    except (ValueError, UnicodeDecodeError):
        raise invalid("The request could not be read.") from None
    return Asked(method, path, dict(pairs), headers.get("idempotency-key"), headers.get("stripe-version"))


class Fields:
    """The parameters of one request, each taken once; what is left over is refused."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._left = dict(fields)

    def text(self, name: str, default: str = "") -> str:
        return self._left.pop(name, default)

    def needed(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid(f"Missing required param: {name}.", "parameter_missing")
        return value

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise invalid(f"Invalid integer: {name}", "parameter_invalid_integer")
        return int(value)

    def amount(self, name: str) -> int:
        value = self.number(name)
        if not value:
            raise invalid(f"Missing required param: {name}.", "parameter_missing")
        return value

    def under(self, name: str) -> dict[str, str]:
        """`metadata[reference]=x` -> {"reference": "x"}; the same for a list."""
        found = {each: value for each, value in self._left.items() if each.startswith(f"{name}[")}
        for each in found:
            del self._left[each]
        return {each[len(name) + 1 : -1]: value for each, value in found.items()}

    def expand(self) -> list[str]:
        return list(self.under("expand").values())

    def end(self) -> None:
        """Raises StripeError for what nobody took."""
        left = next(iter(self._left), None)
        if left is None:
            return
        if left.startswith("payment_method_types"):
            raise invalid("payment_method_types is no more.", "payment_method_types_no_longer_supported")
        raise invalid(f"Received unknown parameter: {left}", "parameter_unknown")
