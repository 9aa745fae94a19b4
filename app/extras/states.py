"""The life of an insurance: the edge table, and the machine that moves it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class InsuranceState(StrEnum):
    ACTIVE = "active"
    CANCELLED = "cancelled"


EDGES: Final[dict[tuple[str, str], str]] = {
    (InsuranceState.ACTIVE, InsuranceState.CANCELLED): "insurance.cancelled",
}

MACHINE: Final = Machine("insurance", table="insurances", history_table="insurance_history", edges=EDGES)
