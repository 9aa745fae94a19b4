"""What a running web process is given at its start: the settings, and the doors that requests go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from app.checkout.offering import Doors
from app.credit.ports import CreditRegister
from app.identity.ports import StrongAuthentication
from app.messages.ports import SmsDoor
from app.payments.methods import Health
from app.payments.ports import PaymentProvider, ProviderMethod
from app.settings import Settings

if TYPE_CHECKING:
    from litestar import Request
    from litestar.datastructures import State

_KEY: Final = "house"


@dataclass(frozen=True, slots=True)
class House:
    """One a process, made by `main`. `banks` by country: one that is missing has no provider of strong authentication.
    `public_keys` is the JWK set by which the banks know us; `providers` take money, one that is missing is on offer
    nowhere."""

    settings: Settings
    sms: SmsDoor
    banks: Mapping[str, StrongAuthentication]
    register: CreditRegister
    public_keys: Mapping[str, object] = field(default_factory=dict)
    providers: Mapping[ProviderMethod, PaymentProvider] = field(default_factory=dict)


def payment_doors(house: House, health: Mapping[ProviderMethod, Health] | None = None) -> Doors:
    """What is behind the ways to pay of this deployment. Without `health` as if all were well, which is what staff want
    to know of an order or a link: it can be paid again once a provider is back."""
    return Doors(not house.settings.is_test, tuple(house.providers), health or {})


def furnish(state: State, house: House) -> None:
    state[_KEY] = house


def house_of(request: Request[Any, Any, Any]) -> House:
    house = request.app.state[_KEY]
    assert isinstance(house, House)
    return house
