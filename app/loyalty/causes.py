"""What moves points, as the ledger's transfers name it. Templates word them: `components/_points.html`."""

from typing import Final

EARNED: Final = "points_earned"
CLAWED_BACK: Final = "points_clawed_back"
TURNED: Final = "points_turned"
ADJUSTED: Final = "points_adjusted"

# Before the id of a turn of points into money: the key of its movement of points.
TURNED_KEY: Final = "turn:"
# Before the id of what staff changed by hand: the key of its movement.
ADJUSTED_KEY: Final = "adjust_points:"
