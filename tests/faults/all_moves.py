"""Every move that is killed: the list that a child and whoever has it killed both know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.faults.held_moves import HELD_MOVES
from tests.faults.moves import Move
from tests.faults.payment_moves import PAYMENT_MOVES
from tests.faults.product_moves import PRODUCT_MOVES

MOVES: Final[Mapping[str, Move]] = {**PRODUCT_MOVES, **HELD_MOVES, **PAYMENT_MOVES}
