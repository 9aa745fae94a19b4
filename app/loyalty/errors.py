"""What loyalty refuses. Refusals carry figures and know no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from app.kernel.errors import Refusal


class ProgrammeRefused(Refusal):
    """A programme that cannot be: `errors` maps the name of each wrong part to a reason."""

    code: ClassVar[str] = "programme_refused"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{part}: {reason}" for part, reason in errors.items()))
        self.errors = dict(errors)


class ProgrammeChanged(Refusal):
    """Somebody else saved a version meanwhile; `version` is the one that holds now."""

    code: ClassVar[str] = "programme_changed"

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} holds now")
        self.version = version


class ProgrammeOff(Refusal):
    """The shop has no programme, or it rests: nothing is turned into money."""

    code: ClassVar[str] = "programme_off"


class BelowMinimum(Refusal):
    """Fewer points than the programme turns at once."""

    code: ClassVar[str] = "below_minimum"

    def __init__(self, minimum_points: int, asked_points: int) -> None:
        super().__init__(f"{asked_points} points, at least {minimum_points}")
        self.minimum_points = minimum_points
        self.asked_points = asked_points


class NotAStep(Refusal):
    """Points are turned in whole steps, so that each turn is worth whole minor units."""

    code: ClassVar[str] = "not_a_step"

    def __init__(self, step_points: int, asked_points: int) -> None:
        super().__init__(f"{asked_points} points, in steps of {step_points}")
        self.step_points = step_points
        self.asked_points = asked_points


class NotEnoughPoints(Refusal):
    """More points than can be used now."""

    code: ClassVar[str] = "not_enough_points"

    def __init__(self, usable_points: int, asked_points: int) -> None:
        super().__init__(f"{asked_points} points of {usable_points}")
        self.usable_points = usable_points
        self.asked_points = asked_points


class TurnedOtherwise(Refusal):
    """This key has turned another number of points, or somebody else's, before."""

    code: ClassVar[str] = "turned_otherwise"


class AdjustedOtherwise(Refusal):
    """This adjustment was made before with another sum or reason, or to somebody else's points."""

    code: ClassVar[str] = "adjusted_otherwise"


class AdjustmentRefused(Refusal):
    """An adjustment that cannot be: `field` is "points" or "reason", `reason` a word."""

    code: ClassVar[str] = "adjustment_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class TurnKeyRefused(Refusal):
    """The key that tells one turn from another is too short or too long to do so."""

    code: ClassVar[str] = "turn_key_refused"


class NoSuchCustomer(Refusal):
    """Nobody with this id is a customer of this shop."""

    code: ClassVar[str] = "customer_not_found"
