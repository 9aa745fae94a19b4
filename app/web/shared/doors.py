"""What a running web process is given at its start: the settings, and the doors that requests go through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.credit.ports import CreditRegister
from app.identity.ports import StrongAuthentication
from app.messages.ports import SmsDoor
from app.settings import Settings

if TYPE_CHECKING:
    from litestar import Request
    from litestar.datastructures import State

_KEY: Final = "house"


@dataclass(frozen=True, slots=True)
class House:
    """One a process, made by `main`. `bank` is None where no provider of strong authentication is set up."""

    settings: Settings
    sms: SmsDoor
    bank: StrongAuthentication | None
    register: CreditRegister


def furnish(state: State, house: House) -> None:
    state[_KEY] = house


def house_of(request: Request[Any, Any, Any]) -> House:
    house = request.app.state[_KEY]
    assert isinstance(house, House)
    return house
